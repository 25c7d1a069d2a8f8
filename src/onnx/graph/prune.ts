import type { AttributeProto, GraphProto, NodeProto } from 'onnx-buf';
import { copyMessage } from './copy.js';
import { valuesRead } from './graph.js';

/** Domains of operators that only compute: what nobody reads of them need not be computed. */
const PURE_DOMAINS: ReadonlySet<string> = new Set(['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft']);

/**
 * A copy of a graph, its nodes sorted, without the nodes and initializers whose results nobody reads. Nested graphs are
 * pruned first. Inputs of the graph that are the names of such initializers go with them.
 *
 * @param read - further values that somebody reads
 */
export function pruneUnused(graph: GraphProto, read: ReadonlySet<string> = new Set()): GraphProto {
  return prune(graph, read, true);
}

function prune(graph: GraphProto, others: ReadonlySet<string>, main: boolean): GraphProto {
  const read = new Set(others);
  for (const { name } of graph.output) read.add(name);
  // From the end on: a node is judged when all that read it have been.
  const kept: NodeProto[] = [];
  for (const original of graph.node.toReversed()) {
    if (PURE_DOMAINS.has(original.domain) && !original.output.some((name) => read.has(name))) continue;
    const node = pruneNested(original);
    kept.push(node);
    for (const name of valuesRead(node)) read.add(name);
  }
  const gone = new Set(graph.initializer.filter((tensor) => !read.has(tensor.name)).map((tensor) => tensor.name));
  return copyMessage(graph, {
    node: kept.reverse(),
    initializer: graph.initializer.filter((tensor) => !gone.has(tensor.name)),
    sparseInitializer: graph.sparseInitializer.filter(({ values }) => read.has(values?.name ?? '')),
    // Those of a nested graph are counted by the node around it.
    input: main ? graph.input.filter((value) => !gone.has(value.name)) : graph.input,
  });
}

function pruneNested(node: NodeProto): NodeProto {
  if (!node.attribute.some((attribute) => attribute.g !== undefined || attribute.graphs.length > 0)) return node;
  return mapSubgraphs(node, (graph) => prune(graph, new Set(), false));
}

/** A copy of a node whose nested graphs are replaced. */
export function mapSubgraphs(node: NodeProto, change: (graph: GraphProto, attribute: string) => GraphProto): NodeProto {
  const attribute = node.attribute.map((one): AttributeProto => {
    const graphs = one.graphs.map((graph) => change(graph, one.name));
    if (one.g !== undefined) return copyMessage(one, { g: change(one.g, one.name) });
    return graphs.length > 0 ? copyMessage(one, { graphs }) : one;
  });
  return copyMessage(node, { attribute });
}
