import type { GraphProto, ModelProto } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { copyMessage } from '../graph/copy.js';
import { capturedBy, definedNames } from '../graph/graph.js';
import { pruneUnused } from '../graph/prune.js';
import { nestedGraphs } from '../graph/subgraphs.js';
import { mainGraph, type OnnxModel } from '../model.js';
import { gatherConstants } from './gatherConstants.js';
import { inlineFunctions } from './inlineFunctions.js';
import { sortNodes } from './sortNodes.js';
import { withUniqueNames } from './uniqueNames.js';

/** What bringing a model into normal form did. */
export interface SimplifyReport {
  /** Calls of the model's own functions that were replaced by what the functions do. */
  readonly inlinedCalls: number;
  /** Functions that stay, because they are written for another operator set than the model. */
  readonly leftFunctions: readonly string[];
  /** Whether nodes stood before those that make what they read. */
  readonly sorted: boolean;
  /** Values of nested graphs that had a name that is used elsewhere, too. */
  readonly renamedValues: number;
  /** `Constant` nodes that became stored weights. */
  readonly gatheredConstants: number;
  /** `Identity` nodes that are gone. */
  readonly removedIdentities: number;
  /** Nodes that made of a weight what another node makes of it already. */
  readonly mergedNodes: number;
  /** Nodes whose results nobody reads. */
  readonly unusedNodes: number;
  /** Stored weights that nobody reads. */
  readonly unusedWeights: number;
}

/** A model in normal form. */
export interface Simplified {
  readonly model: OnnxModel;
  readonly report: SimplifyReport;
}

/** What is done to a model that is in normal form. */
export const NOTHING_SIMPLIFIED: SimplifyReport = {
  inlinedCalls: 0,
  leftFunctions: [],
  sorted: false,
  renamedValues: 0,
  gatheredConstants: 0,
  removedIdentities: 0,
  mergedNodes: 0,
  unusedNodes: 0,
  unusedWeights: 0,
};

/** Models that are in normal form. */
const simple = new WeakSet<ModelProto>();

/** Tells that a model is in normal form, since what was changed of one that is kept it so: it is not brought there again. */
export function keepsNormalForm(model: OnnxModel): void {
  simple.add(model.proto);
}

/** First IR version whose weights need not be listed among the inputs. */
const FREE_WEIGHTS_IR = 4n;

/**
 * Brings a model into the normal form that every recipe works on: its own functions put where they are called, nodes in
 * the order in which they can be computed, a name for each value that no other graph in it uses, `Constant` nodes as
 * stored weights, no `Identity` on the way, what is made of a weight made once, and nothing that nobody reads. The
 * answers are the same, bit for bit.
 *
 * @param model - left as it is; where it is in normal form already, it is what comes back
 * @throws {InputError} when nodes wait for each other, two values have one name, one is made by nobody, or a function calls itself
 * @example
 * const { model, report } = simplifyModel(await readModel('model.onnx'));
 */
export function simplifyModel(model: OnnxModel): Simplified {
  if (simple.has(model.proto)) return { model, report: NOTHING_SIMPLIFIED };
  const inlined = inlineFunctions(model);
  const { model: unique, renamed } = withUniqueNames(inlined.model);
  const free = withFreeWeights(unique);
  requireMade(free, model.path);
  const sorted = sortNodes(free, model.path);
  const gathered = gatherConstants(sorted);
  const inputs = new Set(free.input.map(({ name }) => name));
  const pruned = pruneUnused(gathered.graph, inputs);
  const graph = withoutStaleTypes(pruned);
  const irVersion = model.proto.irVersion < FREE_WEIGHTS_IR ? FREE_WEIGHTS_IR : model.proto.irVersion;
  const proto = copyMessage(inlined.model.proto, { graph, irVersion });
  simple.add(proto);
  const [before, after] = [sizes(gathered.graph), sizes(pruned)];
  return {
    model: { proto, path: model.path },
    report: {
      inlinedCalls: inlined.calls,
      leftFunctions: inlined.left,
      sorted: sorted !== free,
      renamedValues: renamed,
      gatheredConstants: gathered.constants,
      removedIdentities: gathered.identities,
      mergedNodes: gathered.merged,
      unusedNodes: before.nodes - after.nodes,
      unusedWeights: before.weights - after.weights,
    },
  };
}

/** What no node makes cannot be read: the runtime would refuse the model, and what is made from it. */
function requireMade(graph: GraphProto, path: string): void {
  const missing = capturedBy(graph).values().next();
  if (missing.done) return;
  throw new InputError(
    `${path}: values that a node makes, or that are given, were required, got ${missing.value}, which is neither; export the model again`,
  );
}

/** The graph without its weights among the inputs, which IR 3 asks for: from 4 on it would let callers replace them. */
function withFreeWeights(model: OnnxModel): GraphProto {
  const graph = mainGraph(model);
  if (model.proto.irVersion >= FREE_WEIGHTS_IR) return graph;
  const weights = new Set(graph.initializer.map(({ name }) => name));
  return copyMessage(graph, { input: graph.input.filter(({ name }) => !weights.has(name)) });
}

/** The graph without the types of values that are gone. */
export function withoutStaleTypes(graph: GraphProto): GraphProto {
  const names = new Set(definedNames(graph));
  return copyMessage(graph, { valueInfo: graph.valueInfo.filter(({ name }) => names.has(name)) });
}

function sizes(graph: GraphProto): { readonly nodes: number; readonly weights: number } {
  let [nodes, weights] = [0, 0];
  for (const { node, initializer, sparseInitializer } of nestedGraphs(graph)) {
    nodes += node.length;
    weights += initializer.length + sparseInitializer.length;
  }
  return { nodes, weights };
}

/** What was done, in sentences for people. */
export function describeSimplification(report: SimplifyReport): string[] {
  const { inlinedCalls, leftFunctions, sorted } = report;
  const counted: readonly (readonly [number, string])[] = [
    [inlinedCalls, "calls of the model's own functions were put in place"],
    [report.renamedValues, 'values of nested graphs got names of their own'],
    [report.gatheredConstants, 'Constant nodes became stored weights'],
    [report.removedIdentities, 'Identity nodes were removed'],
    [report.mergedNodes, 'nodes that made the same of a weight were merged'],
    [report.unusedNodes, 'nodes whose results nobody reads were removed'],
    [report.unusedWeights, 'weights that nobody reads were removed'],
  ];
  return [
    ...counted.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`),
    ...(sorted ? ['nodes were put in the order in which they can be computed'] : []),
    ...leftFunctions.map((name) => `function ${name} was left as it is: it is of another operator set`),
  ];
}
