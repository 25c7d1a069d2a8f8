import type { ModelProto } from 'onnx-buf';
import { nestedGraphs } from './subgraphs.js';

/** Names taken in a model, and new ones that clash with none of them. */
export class NameSource {
  readonly #values = new Set<string>();
  readonly #nodes = new Set<string>();
  /** The last number given to each name: a thousand clashes are not counted through a thousand times. */
  readonly #counts = new Map<string, number>();

  constructor(model: ModelProto) {
    if (model.graph === undefined) return;
    for (const graph of nestedGraphs(model.graph)) {
      for (const { name } of graph.input) this.#values.add(name);
      for (const { name } of graph.initializer) this.#values.add(name);
      for (const { values } of graph.sparseInitializer) this.#values.add(values?.name ?? '');
      for (const node of graph.node) {
        this.#nodes.add(node.name);
        for (const name of node.output) this.#values.add(name);
        for (const name of node.input) this.#values.add(name);
      }
    }
  }

  /** The name wanted for a value, or it with the first free number. */
  value(wanted: string): string {
    return take(this.#values, this.#counts, wanted);
  }

  /** The name wanted for a node, or it with the first free number; nameless nodes stay so. */
  node(wanted: string): string {
    return wanted === '' ? '' : take(this.#nodes, this.#counts, wanted);
  }
}

function take(taken: Set<string>, counts: Map<string, number>, wanted: string): string {
  let name = wanted;
  let count = counts.get(wanted) ?? 0;
  while (taken.has(name)) name = `${wanted}_${++count}`;
  if (count > 0) counts.set(wanted, count);
  taken.add(name);
  return name;
}
