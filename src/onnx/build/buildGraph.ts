import type { NodeProto, TensorProto } from 'onnx-buf';
import { bindLazy } from '../file/payload.js';
import { type AttributeValue, makeNode } from '../graph/node.js';
import { makeTensor, makeUnfilledTensor } from '../tensor/tensor.js';
import { uniformWeights } from './buildRandom.js';

/** Collects the nodes and initializers of a graph that is built from nothing. */
export class GraphBuilder {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly #seed: number;
  readonly #integers = new Set<string>();

  /** @param seed - of the random weights */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Adds a node with one output, which bears the node's name, and returns that name. */
  node(
    opType: string,
    inputs: readonly string[],
    name: string,
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string {
    this.nodes.push(makeNode(opType, inputs, [name], { name, attributes }));
    return name;
  }

  /**
   * Adds a weight of random values, uniform within ±√(3 · variance), made only when they are asked for: a model of
   * any size can be written with one of its weights in memory.
   */
  random(name: string, shape: readonly number[], variance: number): string {
    const count = shape.reduce((product, dim) => product * dim, 1);
    const seed = this.#seed;
    const tensor = makeUnfilledTensor(name, 'float32', shape);
    bindLazy(tensor, () => new Uint8Array(uniformWeights(name, seed, count, Math.sqrt(3 * variance)).buffer));
    this.initializers.push(tensor);
    return name;
  }

  /** Adds a weight whose values are all the same; `[]` is the shape of a scalar. */
  filled(name: string, shape: readonly number[], value: number): string {
    const count = shape.reduce((product, dim) => product * dim, 1);
    this.initializers.push(makeTensor(name, 'float32', shape, new Float32Array(count).fill(value)));
    return name;
  }

  /** An int64 constant, a vector or a scalar; the same values are stored once. */
  integers(values: readonly number[] | number): string {
    const list = typeof values === 'number' ? [values] : values;
    const name = typeof values === 'number' ? `int.${values}` : `ints.${list.join('.')}`;
    if (!this.#integers.has(name)) {
      this.#integers.add(name);
      const data = BigInt64Array.from(list, BigInt);
      this.initializers.push(makeTensor(name, 'int64', typeof values === 'number' ? [] : [list.length], data));
    }
    return name;
  }
}
