import type { GraphProto, NodeProto } from 'onnx-buf';
import { renamedTensor } from '../file/payload.js';
import { copyMessage } from '../graph/copy.js';
import { definedNames } from '../graph/graph.js';
import { mapSubgraphs } from '../graph/prune.js';
import { subgraphsOf } from '../graph/subgraphs.js';

/** How the values of a graph are called anew. */
export interface Renaming {
  /** The new name of a value that is known where the node or graph stands. */
  readonly rename: (name: string) => string;
  /** A name for a value that a nested graph gives itself. */
  readonly fresh: (name: string) => string;
  /** What else changes of each node; before its names do. */
  readonly node?: (node: NodeProto) => NodeProto;
}

/** A copy of a node whose values, those of its nested graphs included, have their new names. */
export function renamedNode(node: NodeProto, renaming: Renaming): NodeProto {
  const own = renaming.node?.(node) ?? node;
  const copy = copyMessage(own, {
    input: own.input.map((name) => (name === '' ? '' : renaming.rename(name))),
    output: own.output.map((name) => (name === '' ? '' : renaming.rename(name))),
  });
  if (subgraphsOf(copy).length === 0) return copy;
  return mapSubgraphs(copy, (graph) => renamedNestedGraph(graph, renaming));
}

function renamedNestedGraph(graph: GraphProto, outer: Renaming): GraphProto {
  const own = new Map<string, string>();
  for (const name of definedNames(graph)) if (!own.has(name)) own.set(name, outer.fresh(name));
  const rename = (name: string): string => own.get(name) ?? outer.rename(name);
  const renaming: Renaming = { ...outer, rename };
  return copyMessage(graph, {
    input: graph.input.map((value) => copyMessage(value, { name: rename(value.name) })),
    output: graph.output.map((value) => copyMessage(value, { name: rename(value.name) })),
    valueInfo: graph.valueInfo.map((value) => copyMessage(value, { name: rename(value.name) })),
    initializer: graph.initializer.map((tensor) => {
      const name = rename(tensor.name);
      return name === tensor.name ? tensor : renamedTensor(tensor, name);
    }),
    sparseInitializer: graph.sparseInitializer.map((sparse) =>
      sparse.values === undefined
        ? sparse
        : copyMessage(sparse, { values: renamedTensor(sparse.values, rename(sparse.values.name)) }),
    ),
    node: graph.node.map((node) => renamedNode(node, renaming)),
  });
}
