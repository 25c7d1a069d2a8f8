import { gelu } from '../../onnx/build/buildFronts.js';
import type { GraphBuilder } from '../../onnx/build/buildGraph.js';
import { transposeMatrices } from '../../onnx/graph/transpose.js';
import type { Weights } from './weights.js';

/** What an attention keeps of earlier steps. */
export interface AttentionPast {
  readonly key: string;
  readonly value: string;
  readonly presentKey: string;
  readonly presentValue: string;
}

/** Adds layers of a transformer to a graph, with weights from a file: `MatMul` and `Add`, which recipes and runtimes know best. */
export class LayerBuilder {
  readonly graph: GraphBuilder;
  readonly #weights: Weights;

  constructor(graph: GraphBuilder, weights: Weights) {
    this.graph = graph;
    this.#weights = weights;
  }

  /** Adds a weight as it is stored. */
  weight(source: string, name: string): string {
    const weights = this.#weights;
    return this.graph.made(name, weights.shapeOf(source) ?? [], () => weights.floatsOf(source));
  }

  /** LayerNorm over the last axis. */
  norm(source: string, name: string, x: string): string {
    const parts = [this.weight(`${source}.weight`, `${name}.weight`), this.weight(`${source}.bias`, `${name}.bias`)];
    return this.graph.node('LayerNormalization', [x, ...parts], name, { axis: -1, epsilon: { float: 1e-5 } });
  }

  /**
   * Linear layers that read the same, as one product: their outputs stand beside each other. One without a bias adds zeros.
   *
   * @param sources - weights [outputs, inputs] and biases [outputs] of each
   * @param scale - by which the first is multiplied: 1/√size of a head, for queries
   */
  linear(sources: readonly string[], name: string, x: string, scale = 1): string {
    const weights = this.#weights;
    const [outputs = 0, inputs = 0] = weights.shapeOf(`${sources[0]}.weight`) ?? [];
    const total = outputs * sources.length;
    const matrix = this.graph.made(`${name}.weight`, [inputs, total], () => {
      const rows = new Float32Array(total * inputs);
      for (const [index, source] of sources.entries()) {
        rows.set(scaled(weights.floatsOf(`${source}.weight`), index === 0 ? scale : 1), index * outputs * inputs);
      }
      const columns = new Float32Array(rows.length);
      transposeMatrices(rows, columns, 1, total, inputs);
      return columns;
    });
    const bias = this.graph.made(`${name}.bias`, [total], () => {
      const values = new Float32Array(total);
      for (const [index, source] of sources.entries()) {
        if (weights.shapeOf(`${source}.bias`) === undefined) continue;
        values.set(scaled(weights.floatsOf(`${source}.bias`), index === 0 ? scale : 1), index * outputs);
      }
      return values;
    });
    return this.graph.node('Add', [this.graph.node('MatMul', [x, matrix], `${name}.product`), bias], name);
  }

  /** The parts of values that stand beside each other: [n, s, parts · width] to as many [n, s, width]. */
  parts(x: string, name: string, width: number, outputs: readonly string[]): void {
    this.graph.split(x, outputs, `${name}.split`, 2, width);
  }

  /** The heads of keys or values for another graph: [n, s, width] to [n, heads, s, width / heads]. */
  heads(x: string, name: string, heads: number): string {
    const { graph } = this;
    const apart = graph.node('Reshape', [x, graph.integers([0, 0, heads, -1])], `${name}.apart`);
    return graph.node('Transpose', [apart], name, { perm: [0, 2, 1, 3] });
  }

  /**
   * Attention and its output layer; queries are scaled already. One node of ONNX Runtime's own: on the processor it never has
   * the scores of all steps in memory, and no head is turned in a node of its own.
   *
   * @param parts - query, key, value [n, s, width]; key and value [n, heads, t, size] where another graph made them
   * @param past - of each earlier step: the past key and value and the names of those that include this one's; a token then
   * sees those up to itself
   */
  attention(source: string, name: string, heads: number, parts: readonly string[], past?: AttentionPast): string {
    const attributes = { num_heads: heads, scale: { float: 1 }, ...(past ? { unidirectional: 1 } : {}) };
    const kept = past ? ['', '', '', past.key, past.value] : [];
    const outputs = [`${name}.joined`, ...(past ? [past.presentKey, past.presentValue] : [])];
    this.graph.fused('MultiHeadAttention', [...parts, ...kept], outputs, `${name}.heads`, attributes);
    return this.linear([`${source}.out_proj`], `${name}.out`, `${name}.joined`);
  }

  /** The feed-forward part with what goes past it. */
  feed(source: string, name: string, x: string): string {
    const normal = this.norm(`${source}.final_layer_norm`, `${name}.norm`, x);
    const inner = gelu(this.graph, `${name}.gelu`, this.linear([`${source}.fc1`], `${name}.in`, normal));
    return this.graph.node('Add', [x, this.linear([`${source}.fc2`], `${name}.out`, inner)], `${name}.sum`);
  }
}

/** The factor that scores are multiplied by, before the softmax. */
export function queryScale(width: number, heads: number): number {
  return (width / heads) ** -0.5;
}

function scaled(values: Float32Array, factor: number): Float32Array {
  return factor === 1 ? values : values.map((value) => value * factor);
}
