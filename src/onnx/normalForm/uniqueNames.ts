import { copyMessage } from '../graph/copy.js';
import { definedNames } from '../graph/graph.js';
import { NameSource } from '../graph/names.js';
import { subgraphsOf } from '../graph/subgraphs.js';
import { mainGraph, type OnnxModel } from '../model.js';
import { type Renaming, renamedNode } from './renameValues.js';

/**
 * Gives each value of a model a name of its own: two branches of an `If` may use one name for different things, and a
 * nested graph may hide a name of the graph around it.
 *
 * @returns the model and how many values were renamed; the model itself where no name clashes
 */
export function withUniqueNames(model: OnnxModel): { readonly model: OnnxModel; readonly renamed: number } {
  const graph = mainGraph(model);
  if (graph.node.every((node) => subgraphsOf(node).length === 0)) return { model, renamed: 0 };
  const names = new NameSource(model.proto);
  const taken = new Set(definedNames(graph));
  let renamed = 0;
  const renaming: Renaming = {
    rename: (name) => name,
    fresh: (name) => {
      const clashes = taken.has(name);
      const made = clashes ? names.value(name) : name;
      if (clashes) renamed += 1;
      taken.add(made);
      return made;
    },
  };
  const node = graph.node.map((one) => (subgraphsOf(one).length > 0 ? renamedNode(one, renaming) : one));
  if (renamed === 0) return { model, renamed };
  const proto = copyMessage(model.proto, { graph: copyMessage(graph, { node }) });
  return { model: { proto, path: model.path }, renamed };
}
