import { create } from '@bufbuild/protobuf';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  OperatorSetIdProtoSchema,
  type TensorProto,
  type ValueInfoProto,
} from 'onnx-buf';
import { bindLazy } from '../file/payload.js';
import { type AttributeValue, makeNode } from '../graph/node.js';
import { MICROSOFT_DOMAIN, type OnnxModel } from '../model.js';
import { makeTensor, makeUnfilledTensor } from '../tensor/tensor.js';
import { uniformWeights } from './buildRandom.js';

/** Operator sets that graphs are built for. */
export const LOWEST_OPSET = 17;
export const HIGHEST_OPSET = 23;

/** IR version that each operator set came with, from 17 on. */
const IR_VERSIONS: readonly number[] = [8, 8, 9, 9, 10, 10, 11];

/** What is said of a built model besides its nodes. */
export interface BuiltModel {
  readonly name: string;
  readonly description: string;
  readonly opset: number;
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
}

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

  /** Adds a node of ONNX Runtime's own domain. */
  fused(
    opType: string,
    inputs: readonly string[],
    outputs: readonly string[],
    name: string,
    attributes: Readonly<Record<string, AttributeValue>>,
  ): void {
    this.nodes.push(makeNode(opType, inputs, outputs, { name, domain: MICROSOFT_DOMAIN, attributes }));
  }

  /** Divides a value along an axis into parts of the same size. */
  split(value: string, outputs: readonly string[], name: string, axis: number, size: number): void {
    const sizes = this.integers(outputs.map(() => size));
    this.nodes.push(makeNode('Split', [value, sizes], outputs, { name, attributes: { axis } }));
  }

  /**
   * Adds a weight of random values, uniform within ±√(3 · variance), made only when they are asked for: a model of
   * any size can be written with one of its weights in memory.
   */
  random(name: string, shape: readonly number[], variance: number): string {
    const count = shape.reduce((product, dim) => product * dim, 1);
    const seed = this.#seed;
    return this.made(name, shape, () => uniformWeights(name, seed, count, Math.sqrt(3 * variance)));
  }

  /** Adds a weight that is made, each time anew, when its values are asked for. */
  made(name: string, shape: readonly number[], make: () => Float32Array): string {
    const tensor = makeUnfilledTensor(name, 'float32', shape);
    bindLazy(tensor, () => {
      const values = make();
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    });
    this.initializers.push(tensor);
    return name;
  }

  /** Adds a weight whose values are all the same; `[]` is the shape of a scalar. */
  filled(name: string, shape: readonly number[], value: number): string {
    const count = shape.reduce((product, dim) => product * dim, 1);
    this.initializers.push(makeTensor(name, 'float32', shape, new Float32Array(count).fill(value)));
    return name;
  }

  /** An int64 constant, a vector or a scalar; the same values are stored once. Long ones are given a name. */
  integers(values: readonly number[] | number, given?: string): string {
    const list = typeof values === 'number' ? [values] : values;
    const name = given ?? (typeof values === 'number' ? `int.${values}` : `ints.${list.join('.')}`);
    if (!this.#integers.has(name)) {
      this.#integers.add(name);
      const data = BigInt64Array.from(list, BigInt);
      this.initializers.push(makeTensor(name, 'int64', typeof values === 'number' ? [] : [list.length], data));
    }
    return name;
  }

  /** The model of what was added. */
  model({ name, description, opset, inputs, outputs }: BuiltModel): OnnxModel {
    const proto = create(ModelProtoSchema, {
      irVersion: BigInt(IR_VERSIONS[opset - LOWEST_OPSET] ?? 8),
      producerName: 'quantlab',
      docString: description,
      opsetImport: [
        create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(opset) }),
        ...(this.nodes.some(({ domain }) => domain === MICROSOFT_DOMAIN)
          ? [create(OperatorSetIdProtoSchema, { domain: MICROSOFT_DOMAIN, version: 1n })]
          : []),
      ],
      graph: create(GraphProtoSchema, {
        name,
        node: this.nodes,
        initializer: this.initializers,
        input: [...inputs],
        output: [...outputs],
      }),
    });
    return { proto, path: '<built>' };
  }
}
