import { gelu } from '../../onnx/build/buildFronts.js';
import type { GraphBuilder } from '../../onnx/build/buildGraph.js';
import { transposeMatrices } from '../../onnx/graph/transpose.js';
import type { Weights } from './weights.js';

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

  /** The heads of values that stand beside each other: [n, s, parts · width] to as many [n, heads, s, width / heads]. */
  heads(x: string, name: string, heads: number, outputs: readonly string[]): void {
    const { graph } = this;
    const total = heads * outputs.length;
    const apart = graph.node('Reshape', [x, graph.integers([0, 0, total, -1])], `${name}.apart`);
    const only = outputs.length === 1 ? outputs[0] : undefined;
    const byHead = graph.node('Transpose', [apart], only ?? `${name}.by_head`, { perm: [0, 2, 1, 3] });
    if (only === undefined) graph.split(byHead, outputs, `${name}.split`, 1, heads);
  }

  /**
   * Attention and its output layer; queries are scaled already.
   *
   * @param parts - query [n, heads, s, size], key and value [n, heads, t, size]
   * @param mask - what is added to the scores [n, heads, s, t]
   */
  attention(source: string, name: string, parts: readonly [string, string, string], mask?: string): string {
    const { graph } = this;
    const [query, key, value] = parts;
    const turned = graph.node('Transpose', [key], `${name}.key_turned`, { perm: [0, 1, 3, 2] });
    const scores = graph.node('MatMul', [query, turned], `${name}.scores`);
    const masked = mask === undefined ? scores : graph.node('Add', [scores, mask], `${name}.masked`);
    const shares = graph.node('Softmax', [masked], `${name}.shares`, { axis: -1 });
    const mixed = graph.node('MatMul', [shares, value], `${name}.mixed`);
    const byStep = graph.node('Transpose', [mixed], `${name}.by_step`, { perm: [0, 2, 1, 3] });
    const joined = graph.node('Reshape', [byStep, graph.integers([0, 0, -1])], `${name}.joined`);
    return this.linear([`${source}.out_proj`], `${name}.out`, joined);
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
