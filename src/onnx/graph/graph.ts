import type { FunctionProto, GraphProto, NodeProto } from 'onnx-buf';
import { subgraphsOf } from './subgraphs.js';

/** The node that makes each value of a graph; nested graphs apart. */
export function producersOf(graph: GraphProto): Map<string, NodeProto> {
  const producers = new Map<string, NodeProto>();
  for (const node of graph.node) for (const name of node.output) if (name !== '') producers.set(name, node);
  return producers;
}

/** The nodes of a graph that read each value, themselves or by a nested graph that captures it. */
export function consumersOf(graph: GraphProto): Map<string, NodeProto[]> {
  const consumers = new Map<string, NodeProto[]>();
  for (const node of graph.node) {
    for (const name of valuesRead(node)) {
      const list = consumers.get(name);
      if (list === undefined) consumers.set(name, [node]);
      else list.push(node);
    }
  }
  return consumers;
}

/** Names that a node reads: its inputs, and what its nested graphs capture from outside. */
export function valuesRead(node: NodeProto): Set<string> {
  const names = new Set(node.input);
  for (const graph of subgraphsOf(node)) for (const name of capturedBy(graph)) names.add(name);
  names.delete('');
  return names;
}

/** Names of the values that a graph (or a function) gives itself: inputs, stored weights, outputs of its nodes. */
export function* definedNames(graph: GraphProto | FunctionProto): Generator<string> {
  for (const input of graph.input) yield typeof input === 'string' ? input : input.name;
  if ('initializer' in graph) {
    for (const { name } of graph.initializer) yield name;
    for (const { values } of graph.sparseInitializer) if (values !== undefined) yield values.name;
  }
  for (const node of graph.node) for (const name of node.output) if (name !== '') yield name;
}

/** Names that a nested graph takes from the graphs around it. */
export function capturedBy(graph: GraphProto): Set<string> {
  const own = new Set<string>();
  for (const name of definedNames(graph)) own.add(name);
  const captured = new Set<string>();
  for (const node of graph.node) for (const name of valuesRead(node)) if (!own.has(name)) captured.add(name);
  for (const { name } of graph.output) if (!own.has(name)) captured.add(name);
  captured.delete('');
  return captured;
}
