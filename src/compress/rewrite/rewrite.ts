import { create } from '@bufbuild/protobuf';
import { type GraphProto, type NodeProto, OperatorSetIdProtoSchema, type TensorProto } from 'onnx-buf';
import { copyMessage } from '../../onnx/graph/copy.js';
import { NameSource } from '../../onnx/graph/names.js';
import { isOp, nodeTitle } from '../../onnx/graph/node.js';
import { mapSubgraphs, pruneUnused } from '../../onnx/graph/prune.js';
import { nestedGraphs, subgraphsOf } from '../../onnx/graph/subgraphs.js';
import { MICROSOFT_DOMAIN, opsetVersion } from '../../onnx/model.js';
import { shapeOf, storedSizeBytes, tensorDtype } from '../../onnx/tensor/tensor.js';
import { addNodes, dequantizePending } from './addNodes.js';
import { LeftInFloat } from './leftInFloat.js';
import { leftWeights, type Reason } from './leftWeights.js';
import { checkNodeNames } from './nodeNames.js';
import type { NormalGraph } from './normalGraph.js';
import {
  type CompressedWeight,
  type CompressionReport,
  type Granularity,
  type LeftNode,
  weightBytes,
} from './report.js';
import { type Constant, Scope } from './scope.js';
import { SharedWeights } from './sharedWeights.js';

/** What a pass made of a model. */
export interface Changed {
  readonly graph: NormalGraph;
  readonly report: CompressionReport;
  /** Names of the scales that were made: constants of the new model that are no weights. */
  readonly params?: ReadonlySet<string>;
}

/** Which nodes a pass looks at; the words are ONNX Runtime's. */
export interface NodeFilter<T extends string> {
  readonly opTypesToQuantize: readonly T[];
  /** Names of the only nodes to change; all where empty. */
  readonly nodesToQuantize: readonly string[];
  /** Names of nodes to leave as they are. */
  readonly nodesToExclude: readonly string[];
}

/** What the rewriting of one model collects. */
export interface Rewriting {
  readonly names: NameSource;
  /** Weights that were made smaller, each with the name of what it became. */
  readonly compressed: { readonly stored: string; readonly report: CompressedWeight }[];
  /** Names of scales, zero points and the like: they are no weights that were left. */
  readonly params: Set<string>;
  readonly notes: string[];
}

/**
 * Puts what replaces a node into the scope.
 *
 * @throws {LeftInFloat} before anything that others read was put there, when the node has to stay as it is
 */
export type RewriteNode<T extends string> = (node: NodeProto, opType: T, scope: Scope) => void;

/** How a pass rewrites nodes. */
export interface Rules<T extends string> {
  /** Name of the pass, in the report. */
  readonly name: string;
  /** What it does, for sentences: `static quantization`. */
  readonly title: string;
  /** Every operator that it knows. */
  readonly opTypes: readonly T[];
  /** Those of them that ONNX Runtime adds to ONNX's. */
  readonly microsoftOpTypes?: readonly T[];
  /** Whether nodes in the bodies of `If`, `Loop` and `Scan` stay as they are. */
  readonly mainGraphOnly?: boolean;
  /** Whether a node is taken although its operator is not asked for. */
  isTakenAnyway?(node: NodeProto, opType: T, scope: Scope): boolean;
  /** What stands for a node that is not rewritten. */
  keep?(node: NodeProto, scope: Scope): NodeProto;
  /** Begins: a model is rewritten again, from its beginning, where a weight would be stored twice. */
  begin(rewriting: Rewriting): RewriteNode<T>;
}

/**
 * Rewrites the nodes of a model one by one and reports on every weight.
 *
 * @throws {InputError} when the filter names a node that is not there
 */
export function rewriteModel<T extends string>(input: NormalGraph, filter: NodeFilter<T>, rules: Rules<T>): Changed {
  checkNodeNames('nodesToQuantize', filter.nodesToQuantize, input.nodeNames);
  checkNodeNames('nodesToExclude', filter.nodesToExclude, input.nodeNames);
  const shared = new SharedWeights(input.graph);
  for (;;) {
    const done = rewriteOnce(input, filter, rules, shared);
    if (!shared.decide(done.report.compressed, done.graph.graph)) return done;
  }
}

function rewriteOnce<T extends string>(
  input: NormalGraph,
  filter: NodeFilter<T>,
  rules: Rules<T>,
  shared: SharedWeights,
): Changed {
  const { model } = input;
  const rewriting: Rewriting = {
    names: new NameSource(model.proto),
    compressed: [],
    params: new Set(),
    notes: [...input.notes],
  };
  const rewrite = rules.begin(rewriting);
  const leftNodes: LeftNode[] = [];
  const reasons = new Map<string, Reason>();
  const replaced = new Map<string, number>();

  function rewriteGraph(graph: GraphProto, parent: Scope | null): GraphProto {
    const scope = new Scope(graph, parent, shared);
    for (const original of graph.node) {
      const node =
        subgraphsOf(original).length > 0 ? mapSubgraphs(original, (inner) => rewriteGraph(inner, scope)) : original;
      const opType = operatorOf(node, rules);
      if (opType === undefined || !tryNode(node, opType, scope)) {
        addNodes(rewriting, scope, rules.keep?.(node, scope) ?? node);
      }
    }
    for (const { name } of graph.output) dequantizePending(rewriting, scope, name);
    return copyMessage(graph, { node: scope.nodes, initializer: [...graph.initializer, ...scope.added] });
  }

  function tryNode(node: NodeProto, opType: T, scope: Scope): boolean {
    try {
      if (rules.mainGraphOnly === true && scope.parent !== null) {
        throw new LeftInFloat('form', 'it is inside another node');
      }
      checkAsked(node, opType, filter, rules.isTakenAnyway?.(node, opType, scope) ?? false);
      rewrite(node, opType, scope);
      replaced.set(opType, (replaced.get(opType) ?? 0) + 1);
      return true;
    } catch (error) {
      if (!(error instanceof LeftInFloat)) throw error;
      const reason: Reason = { cause: error.why, reason: error.message };
      reasons.set(nodeTitle(node), reason);
      if (error.why !== 'no-weight' && filter.opTypesToQuantize.includes(opType)) {
        leftNodes.push({ node: nodeTitle(node), opType, ...reason });
      }
      return false;
    }
  }

  const graph = pruneUnused(rewriteGraph(input.graph, null));
  const opsetImport = [...model.proto.opsetImport];
  if (usesMicrosoftDomain(graph) && opsetVersion(model, MICROSOFT_DOMAIN) === 0) {
    opsetImport.push(create(OperatorSetIdProtoSchema, { domain: MICROSOFT_DOMAIN, version: 1n }));
  }
  const stored = new Set<string>();
  for (const { initializer } of nestedGraphs(graph)) for (const { name } of initializer) stored.add(name);
  // One of a node's weights may have been made smaller before another made the node stay in float.
  const compressed = rewriting.compressed.filter((one) => stored.has(one.stored)).map((one) => one.report);
  const left = leftWeights(graph, rules.title, reasons, rewriting.params);
  const report: CompressionReport = {
    transform: rules.name,
    compressed,
    leftWeights: left,
    leftNodes,
    replacedNodes: Object.fromEntries([...replaced].sort()),
    ...weightBytes(compressed, left),
    notes: [...rewriting.notes, ...lostInputs(input.graph, graph)],
  };
  return { graph: input.with({ graph, opsetImport }), report, params: rewriting.params };
}

function operatorOf<T extends string>(node: NodeProto, { opTypes, microsoftOpTypes = [] }: Rules<T>): T | undefined {
  return opTypes.find((type) =>
    microsoftOpTypes.includes(type) ? node.opType === type && node.domain === MICROSOFT_DOMAIN : isOp(node, type),
  );
}

function usesMicrosoftDomain(graph: GraphProto): boolean {
  for (const { node } of nestedGraphs(graph)) if (node.some(({ domain }) => domain === MICROSOFT_DOMAIN)) return true;
  return false;
}

/** Says that weights that were inputs, too, are none any more. */
function lostInputs(before: GraphProto, after: GraphProto): string[] {
  const count = before.input.length - after.input.length;
  return count > 0 ? [`${count} weights were listed as inputs, too: they cannot be replaced by callers any more`] : [];
}

function checkAsked<T extends string>(node: NodeProto, opType: T, filter: NodeFilter<T>, takenAnyway: boolean): void {
  const { opTypesToQuantize, nodesToQuantize, nodesToExclude } = filter;
  if (!opTypesToQuantize.includes(opType) && !takenAnyway) {
    throw new LeftInFloat('not-asked', 'its type is not in opTypesToQuantize');
  }
  if (nodesToExclude.includes(node.name)) throw new LeftInFloat('excluded', 'it is in nodesToExclude');
  if (nodesToQuantize.length > 0 && !nodesToQuantize.includes(node.name)) {
    throw new LeftInFloat('excluded', 'it is not in nodesToQuantize');
  }
}

/**
 * The float32 constant behind a node's input.
 *
 * @throws {LeftInFloat} when it is computed at run time, empty, or of another type
 */
export function constantFloats(scope: Scope, name: string | undefined): Constant {
  const constant = constantInput(scope, name, 'weight');
  const dtype = tensorDtype(constant.tensor);
  if (dtype !== 'float32') throw new LeftInFloat('type', `its weight is ${dtype}, not float32`);
  if (constant.tensor.dims.some((dim) => dim === 0n)) throw new LeftInFloat('form', 'its weight is empty');
  return constant;
}

/**
 * The constant behind a node's input, of any type.
 *
 * @param what - for the reason: `weight`
 * @throws {LeftInFloat} when it is computed at run time, or has to stay as it is for another reader
 */
export function constantInput(scope: Scope, name: string | undefined, what: string): Constant {
  const constant = name === undefined || name === '' ? undefined : scope.constantOf(name);
  if (constant === undefined)
    throw new LeftInFloat('not-constant', `its ${what} is ${scope.whyNotConstant(name ?? '')}`);
  const reason = scope.shared?.reasonToLeave(constant.name);
  if (reason !== undefined) throw new LeftInFloat('shared', reason);
  return constant;
}

/** Describes a weight that became the tensors given. */
export function compressedWeight(
  weight: Constant,
  node: NodeProto,
  made: readonly TensorProto[],
  granularity: Granularity,
  signalToErrorDb: number,
): CompressedWeight {
  return {
    name: weight.name,
    node: nodeTitle(node),
    opType: node.opType,
    shape: shapeOf(weight.tensor),
    from: tensorDtype(weight.tensor),
    to: made[0] === undefined ? 'undefined' : tensorDtype(made[0]),
    granularity,
    sizeBytesBefore: storedSizeBytes(weight.tensor),
    sizeBytesAfter: made.reduce((sum, tensor) => sum + storedSizeBytes(tensor), 0),
    signalToErrorDb: signalToErrorDb === Number.POSITIVE_INFINITY ? null : signalToErrorDb,
  };
}
