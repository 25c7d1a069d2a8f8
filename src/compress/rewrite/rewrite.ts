import { create } from '@bufbuild/protobuf';
import { type GraphProto, type NodeProto, OperatorSetIdProtoSchema, type TensorProto } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { copyMessage } from '../../onnx/graph/copy.js';
import { NameSource } from '../../onnx/graph/names.js';
import { isOp, nodeTitle } from '../../onnx/graph/node.js';
import { mapSubgraphs, pruneUnused } from '../../onnx/graph/prune.js';
import { subgraphsOf } from '../../onnx/graph/subgraphs.js';
import { mainGraph, opsetVersion } from '../../onnx/model.js';
import { shapeOf, storedSizeBytes, tensorDtype } from '../../onnx/tensor/tensor.js';
import type { Compressed } from '../dynamic/dynamic.js';
import { LeftInFloat, MICROSOFT_DOMAIN } from '../dynamic/dynamicContext.js';
import { leftWeights, NOT_ASKED } from './leftWeights.js';
import { checkNodeNames } from './nodeNames.js';
import type { Prepared } from './prepare.js';
import type { CompressedWeight, CompressionReport, Granularity, LeftNode } from './report.js';
import { type Constant, Scope } from './scope.js';
import { SharedWeights } from './sharedWeights.js';

/** Which nodes a transform looks at; the words are ONNX Runtime's. */
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
  readonly compressed: CompressedWeight[];
  /** Names of scales, zero points and the like: they are no weights that were left. */
  readonly params: Set<string>;
  readonly notes: string[];
  /** Set when a node of ONNX Runtime's own domain was made. */
  usesMicrosoftDomain: boolean;
}

/** What a transform does. */
export interface Transform<T extends string> {
  /** Its name in the report. */
  readonly name: string;
  /** What it does, for sentences: `static quantization`. */
  readonly title: string;
  /** Every operator that it knows. */
  readonly opTypes: readonly T[];
  /** Forgets what a rewriting left behind: a model is rewritten again where a weight would be stored twice. */
  start?(): void;
  /** Whether nodes in the bodies of `If`, `Loop` and `Scan` are rewritten too. */
  readonly nested: boolean;
  /**
   * Puts what replaces a node into the scope.
   *
   * @throws {LeftInFloat} before anything was put there, when the node has to stay as it is
   */
  rewrite(node: NodeProto, opType: T, scope: Scope, rewriting: Rewriting): void;
}

/**
 * Rewrites the nodes of a model one by one and reports on every weight.
 *
 * @param prepared - from {@link prepare}; left as it is
 * @throws {InputError} when the filter names an operator that the transform does not know, or a node that is not there
 */
export function rewriteModel<T extends string>(
  prepared: Prepared,
  filter: NodeFilter<T>,
  transform: Transform<T>,
): Compressed {
  const { model, nodeNames } = prepared;
  checkFilter(nodeNames, filter, transform.opTypes);
  const shared = new SharedWeights(mainGraph(model));
  for (;;) {
    transform.start?.();
    const done = rewriteOnce(prepared, filter, transform, shared);
    if (!shared.decide(done.report.compressed, mainGraph(done.model))) return done;
  }
}

function rewriteOnce<T extends string>(
  prepared: Prepared,
  filter: NodeFilter<T>,
  transform: Transform<T>,
  shared: SharedWeights,
): Compressed {
  const { model } = prepared;
  const rewriting: Rewriting = {
    names: new NameSource(model.proto),
    compressed: [],
    params: new Set(),
    notes: [...prepared.notes],
    usesMicrosoftDomain: false,
  };
  const leftNodes: LeftNode[] = [];
  const reasons = new Map<string, string>();
  const replaced = new Map<string, number>();

  function rewriteGraph(graph: GraphProto, parent: Scope | null): GraphProto {
    const scope = new Scope(graph, parent, shared);
    for (const original of graph.node) {
      const node =
        subgraphsOf(original).length > 0 ? mapSubgraphs(original, (inner) => rewriteGraph(inner, scope)) : original;
      const opType = transform.opTypes.find((type) => isOp(node, type));
      if (opType === undefined) {
        scope.nodes.push(node);
        continue;
      }
      try {
        const inside = parent !== null && !transform.nested;
        const reason = inside ? 'it is inside another node' : reasonToSkip(node, opType, filter);
        if (reason !== undefined) throw new LeftInFloat(reason);
        transform.rewrite(node, opType, scope, rewriting);
        replaced.set(opType, (replaced.get(opType) ?? 0) + 1);
      } catch (error) {
        if (!(error instanceof LeftInFloat)) throw error;
        scope.nodes.push(node);
        reasons.set(nodeTitle(node), error.message);
        if (error.listed && filter.opTypesToQuantize.includes(opType)) {
          leftNodes.push({ node: nodeTitle(node), opType, reason: error.message });
        }
      }
    }
    return copyMessage(graph, { node: scope.nodes, initializer: [...graph.initializer, ...scope.added] });
  }

  const graph = pruneUnused(rewriteGraph(mainGraph(model), null));
  const opsetImport = [...model.proto.opsetImport];
  if (rewriting.usesMicrosoftDomain && opsetVersion(model, MICROSOFT_DOMAIN) === 0) {
    opsetImport.push(create(OperatorSetIdProtoSchema, { domain: MICROSOFT_DOMAIN, version: 1n }));
  }
  const report = reportOf(transform, graph, rewriting, leftNodes, reasons, replaced);
  const proto = copyMessage(model.proto, { graph, opsetImport });
  return { model: { proto, path: model.path }, report, params: rewriting.params };
}

/**
 * The float32 constant behind a node's input.
 *
 * @throws {LeftInFloat} when it is computed at run time, empty, or of another type
 */
export function constantFloats(scope: Scope, name: string | undefined): Constant {
  const constant = name === undefined || name === '' ? undefined : scope.constantOf(name);
  const reason = constant && scope.shared?.reasonToLeave(constant.name);
  if (reason !== undefined) throw new LeftInFloat(reason);
  if (constant === undefined) throw new LeftInFloat(`its weight is ${scope.whyNotConstant(name ?? '')}`);
  const dtype = tensorDtype(constant.tensor);
  if (dtype !== 'float32') throw new LeftInFloat(`its weight is ${dtype}, not float32`);
  if (constant.tensor.dims.some((dim) => dim === 0n)) throw new LeftInFloat('its weight is empty');
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

function checkFilter<T extends string>(names: ReadonlySet<string>, filter: NodeFilter<T>, known: readonly T[]): void {
  const unknown = filter.opTypesToQuantize.find((opType) => !known.includes(opType));
  if (unknown !== undefined) {
    throw new InputError(`opTypesToQuantize: ${known.join(', ')} were required, got ${unknown}; leave it out`);
  }
  checkNodeNames('nodesToQuantize', filter.nodesToQuantize, names);
  checkNodeNames('nodesToExclude', filter.nodesToExclude, names);
}

function reasonToSkip<T extends string>(node: NodeProto, opType: T, filter: NodeFilter<T>): string | undefined {
  const { opTypesToQuantize, nodesToQuantize, nodesToExclude } = filter;
  if (!opTypesToQuantize.includes(opType)) return NOT_ASKED;
  if (nodesToExclude.includes(node.name)) return 'it is in nodesToExclude';
  if (nodesToQuantize.length > 0 && !nodesToQuantize.includes(node.name)) return 'it is not in nodesToQuantize';
  return undefined;
}

function reportOf(
  transform: { readonly name: string; readonly title: string },
  graph: GraphProto,
  rewriting: Rewriting,
  leftNodes: readonly LeftNode[],
  reasons: ReadonlyMap<string, string>,
  replaced: ReadonlyMap<string, number>,
): CompressionReport {
  const { compressed, params, notes } = rewriting;
  const left = leftWeights(graph, transform.title, reasons, params);
  const leftNames = new Set(left.map((weight) => weight.name));
  const gone = new Map(
    compressed.filter(({ name }) => !leftNames.has(name)).map((weight) => [weight.name, weight.sizeBytesBefore]),
  );
  const sum = (sizes: Iterable<number>): number => [...sizes].reduce((total, size) => total + size, 0);
  const leftBytes = sum(left.map((weight) => weight.sizeBytes));
  return {
    transform: transform.name,
    compressed,
    leftWeights: left,
    leftNodes,
    replacedNodes: Object.fromEntries([...replaced].sort()),
    weightBytesBefore: sum(gone.values()) + leftBytes,
    weightBytesAfter: sum(compressed.map((weight) => weight.sizeBytesAfter)) + leftBytes,
    notes,
  };
}
