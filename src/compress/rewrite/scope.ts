import type { GraphProto, NodeProto, TensorProto } from 'onnx-buf';
import { foldConstant } from '../../onnx/graph/constants.js';
import { producersOf } from '../../onnx/graph/graph.js';
import { nestedGraphs } from '../../onnx/graph/subgraphs.js';
import type { Dtype } from '../../onnx/tensor/dtype.js';
import { storedSizeBytes } from '../../onnx/tensor/tensor.js';
import type { SharedWeights } from './sharedWeights.js';

/** How many nodes a constant may come through. */
const LONGEST_CHAIN = 200;

/** Bytes that constants may be computed to, whatever the model stores; beside that, so many times what it stores. */
const MOST_FOLDED_BYTES = 2 ** 26;
const MOST_TIMES_FOLDED = 4;

/** A constant value and the graph that it belongs to. */
export interface Constant {
  readonly name: string;
  readonly tensor: TensorProto;
  readonly owner: Scope;
}

/** Names of the three tensors that stand for a quantized value. */
export interface QuantizedNames {
  readonly quantized: string;
  readonly scale: string;
  readonly zeroPoint: string;
}

/** A value that exists only quantized so far, and its float type. */
export interface PendingValue {
  readonly names: QuantizedNames;
  readonly dtype: Dtype;
}

/** Operators by which quantized models make floats of stored integers. */
const RESTORERS: readonly string[] = ['DequantizeLinear', 'Cast', 'Sub', 'Mul', 'Transpose', 'Reshape'];

/**
 * A graph while it is rewritten: the original's nodes, the new ones so far, and the way to the graphs around it,
 * whose values a nested graph may read.
 */
export class Scope {
  /** Nodes of the new graph, in order. */
  readonly nodes: NodeProto[] = [];
  /** Initializers that the new graph has besides the original's. */
  readonly added: TensorProto[] = [];
  /** Values of this graph that exist only quantized until somebody wants them in float. */
  readonly pending: Map<string, PendingValue> = new Map();
  /** Activations of this graph that have been quantized. */
  readonly activations: Map<string, QuantizedNames> = new Map();
  /** Values that new nodes of this graph make and later ones read. */
  readonly made: Set<string> = new Set();
  /** Outputs of this graph's quantized products. */
  readonly products: Set<string> = new Set();
  /** Values of this graph that have been cast to float32. */
  readonly casts: Map<string, string> = new Map();
  /** Weights of this graph that have been quantized, by name and manner. */
  readonly weights: Map<string, QuantizedNames> = new Map();

  /** What is known of weights that are read in different ways. */
  readonly shared: SharedWeights | undefined;

  #foldedBytes = 0;
  #isExhausted = false;
  readonly #initializers: Map<string, TensorProto>;
  readonly #producers: Map<string, NodeProto>;
  readonly #inputs: Set<string>;
  readonly #constants = new Map<string, TensorProto | undefined>();

  constructor(
    readonly graph: GraphProto,
    readonly parent: Scope | null,
    shared?: SharedWeights,
  ) {
    this.shared = shared ?? parent?.shared;
    this.#initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
    this.#producers = producersOf(graph);
    this.#inputs = new Set(graph.input.map((input) => input.name));
  }

  /** The graph, this one or one around it, that a value belongs to. */
  ownerOf(name: string): Scope | undefined {
    const own =
      this.#producers.has(name) || this.#initializers.has(name) || this.#inputs.has(name) || this.made.has(name);
    return own ? this : this.parent?.ownerOf(name);
  }

  /** The node of this graph that makes a value. */
  producerOf(name: string): NodeProto | undefined {
    return this.#producers.get(name);
  }

  /** Whether constants were computed to more than a model asks for that somebody exported: a small file could fill the memory. */
  #isTooMuch(tensor: TensorProto): boolean {
    const main = this.#main();
    main.#foldedBytes += storedSizeBytes(tensor);
    if (main.#foldedBytes <= MOST_FOLDED_BYTES) return false;
    let stored = 0;
    for (const { initializer } of nestedGraphs(main.graph))
      for (const one of initializer) stored += storedSizeBytes(one);
    main.#isExhausted = main.#foldedBytes > MOST_FOLDED_BYTES + MOST_TIMES_FOLDED * stored;
    return main.#isExhausted;
  }

  #main(): Scope {
    return this.parent === null ? this : this.parent.#main();
  }

  /** The constant behind a value: an initializer, or what comes of constants alone. */
  constantOf(name: string): Constant | undefined {
    const owner = this.ownerOf(name);
    const tensor = owner?.constantHere(name, new Set());
    return owner === undefined || tensor === undefined ? undefined : { name, tensor, owner };
  }

  /** Why a value is no constant: it depends on the input, or the runtime makes it of stored integers, as quantized models do. */
  whyNotConstant(name: string): string {
    return this.#isRestored(name, 0) ? 'made of stored integers already' : 'computed at run time, not constant';
  }

  #isRestored(name: string, depth: number): boolean {
    const owner = this.ownerOf(name);
    if (owner?.constantOf(name) !== undefined) return true;
    const producer = owner?.producerOf(name);
    if (owner === undefined || producer === undefined || depth > RESTORERS.length) return false;
    return (
      RESTORERS.includes(producer.opType) &&
      producer.input.every((input) => input === '' || owner.#isRestored(input, depth + 1))
    );
  }

  constantHere(name: string, open: Set<string>): TensorProto | undefined {
    const initializer = this.#initializers.get(name);
    if (initializer !== undefined) return initializer;
    if (this.#constants.has(name)) return this.#constants.get(name);
    const producer = this.#producers.get(name);
    // A hostile file may let a value depend on itself, or on a chain longer than the stack.
    if (producer === undefined || open.has(name) || open.size > LONGEST_CHAIN) return undefined;
    if (this.#main().#isExhausted) return undefined;
    open.add(name);
    const tensor = foldConstant(producer, (input) => this.ownerOf(input)?.constantHere(input, open));
    open.delete(name);
    const kept = tensor !== undefined && !this.#isTooMuch(tensor) ? tensor : undefined;
    this.#constants.set(name, kept);
    return kept;
  }
}
