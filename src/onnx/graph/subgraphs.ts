import type { FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto } from 'onnx-buf';

/** The graphs that a node carries in its attributes: branches of `If`, bodies of `Loop` and `Scan`. */
export function subgraphsOf(node: NodeProto): GraphProto[] {
  const graphs: GraphProto[] = [];
  for (const attribute of node.attribute) {
    if (attribute.g !== undefined) graphs.push(attribute.g);
    graphs.push(...attribute.graphs);
  }
  return graphs;
}

/** A graph and all graphs nested in it, outermost first. */
export function* nestedGraphs(graph: GraphProto): Generator<GraphProto> {
  // A list instead of recursion: a hostile file nests deeper than the stack.
  const open = [graph];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    yield next;
    for (const node of next.node) open.push(...subgraphsOf(node));
  }
}

/** How deep graphs are nested: 1 for one without any in it. */
export function nestingDepth(graph: GraphProto): number {
  let depth = 0;
  let level = [graph];
  while (level.length > 0) {
    depth += 1;
    level = level.flatMap((one) => one.node.flatMap(subgraphsOf));
  }
  return depth;
}

/** Every node of a model: main graph, nested graphs, and functions. */
export function* modelNodes(model: ModelProto): Generator<NodeProto> {
  for (const body of modelBodies(model)) yield* body.node;
}

/** The graphs and functions of a model: main graph first, nested graphs, functions and what is nested in them. */
export function* modelBodies(model: ModelProto): Generator<GraphProto | FunctionProto> {
  if (model.graph !== undefined) yield* nestedGraphs(model.graph);
  for (const fn of model.functions) {
    yield fn;
    for (const node of fn.node) for (const graph of subgraphsOf(node)) yield* nestedGraphs(graph);
  }
}

/** Every tensor that a model stores: initializers, sparse ones' parts, and values in attributes, in all its graphs. */
export function* modelTensors(model: ModelProto): Generator<TensorProto> {
  for (const body of modelBodies(model)) {
    if ('initializer' in body) {
      yield* body.initializer;
      for (const sparse of body.sparseInitializer) {
        if (sparse.values !== undefined) yield sparse.values;
        if (sparse.indices !== undefined) yield sparse.indices;
      }
    }
    for (const node of body.node) {
      for (const attribute of node.attribute) {
        if (attribute.t !== undefined) yield attribute.t;
        yield* attribute.tensors;
        for (const sparse of [attribute.sparseTensor, ...attribute.sparseTensors]) {
          if (sparse?.values !== undefined) yield sparse.values;
          if (sparse?.indices !== undefined) yield sparse.indices;
        }
      }
    }
  }
}
