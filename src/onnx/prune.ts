import type { AttributeProto, GraphProto, NodeProto } from 'onnx-buf';
import { copyMessage } from './copy.js';
import { valuesRead } from './graph.js';

/** Operators by which constants reach their reader: they go when nobody reads them. */
const CARRIERS: ReadonlySet<string> = new Set([
  'Constant',
  'Identity',
  'Cast',
  'Transpose',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Slice',
  'Concat',
  'Shape',
  'Expand',
  'ConstantOfShape',
  'Gather',
  'Add',
  'Sub',
  'Mul',
  'Div',
]);

/**
 * A copy of a graph without the initializers that nobody reads, and without the nodes that only prepared them.
 * Nested graphs are pruned first. Inputs of the graph that are the names of such initializers go with them.
 */
export function pruneUnused(graph: GraphProto): GraphProto {
  const read = new Set(graph.output.map((output) => output.name));
  // From the end on: a node is judged when all that read it have been.
  const kept: NodeProto[] = [];
  for (const original of graph.node.toReversed()) {
    if (CARRIERS.has(original.opType) && !original.output.some((name) => read.has(name))) continue;
    const node = pruneNested(original);
    kept.push(node);
    for (const name of valuesRead(node)) read.add(name);
  }
  const gone = new Set(graph.initializer.filter((tensor) => !read.has(tensor.name)).map((tensor) => tensor.name));
  return copyMessage(graph, {
    node: kept.reverse(),
    initializer: graph.initializer.filter((tensor) => !gone.has(tensor.name)),
    input: graph.input.filter((value) => !gone.has(value.name)),
  });
}

function pruneNested(node: NodeProto): NodeProto {
  if (!node.attribute.some((attribute) => attribute.g !== undefined || attribute.graphs.length > 0)) return node;
  return mapSubgraphs(node, pruneUnused);
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
