import type { NodeProto, TensorProto } from 'onnx-buf';
import { bindLazy } from '../file/payload.js';
import { mainGraph, type OnnxModel } from '../model.js';
import { elementCount, makeTensor, makeUnfilledTensor, shapeOf, tensorDtype, tensorFloats } from '../tensor/tensor.js';
import { copyMessage } from './copy.js';
import { consumersOf, valuesRead } from './graph.js';
import { NameSource } from './names.js';
import { attributeOf, isOp, makeAttribute, makeNode, nodeTitle } from './node.js';
import { pruneUnused } from './prune.js';
import { ranksOf } from './ranks.js';
import { transposeAxes } from './transpose.js';
import { UNARY } from './unary.js';

/** The order of axes that swaps height and width. */
const SWAP = [0, 1, 3, 2];

const BINARY: ReadonlySet<string> = new Set(['Add', 'Sub', 'Mul', 'Div']);

/** Attributes of a convolution with a value for each spatial axis. */
const PER_AXIS: ReadonlySet<string> = new Set(['kernel_shape', 'strides', 'dilations', 'pads']);

/** What aligning a model's convolutions gave. */
export interface Aligned {
  readonly model: OnnxModel;
  /** Titles of the convolutions whose axes were swapped. */
  readonly swapped: readonly string[];
  /** How many nodes `Transpose` the model has less. */
  readonly transposesSaved: number;
}

/**
 * Lets convolutions that stand between transposes of height and width compute on the transposed values, so that the
 * transposes go: a LayerNorm over frequency before each convolution asks for them. A first convolution before them is
 * turned too, since its one channel costs less to transpose than what it makes of it. The answers stay the same to the
 * rounding of sums.
 *
 * It matters once convolutions are quantized: the runtime computes these channels last, and its own transposes, joined
 * with the model's, become slow ones.
 *
 * @param model - left as it is
 * @returns the model itself where nothing can be saved
 */
export function alignConvolutions(model: OnnxModel): Aligned {
  const graph = mainGraph(model);
  const before = graph.node.filter((node) => isOp(node, 'Transpose')).length;
  const aligning = new Aligning(model);
  for (const node of graph.node) aligning.take(node);
  for (const { name } of graph.output) aligning.straight(name);
  const node = aligning.nodes;
  const transposesSaved = before - node.filter((one) => isOp(one, 'Transpose')).length;
  if (transposesSaved <= 0 || aligning.swapped.length === 0) return { model, swapped: [], transposesSaved: 0 };
  // A weight that only one convolution reads keeps its name in its new form.
  const renewed = new Set(aligning.added.map((tensor) => tensor.name));
  const kept = graph.initializer.filter((tensor) => !renewed.has(tensor.name));
  const changed = copyMessage(graph, { node, initializer: [...kept, ...aligning.added] });
  const proto = copyMessage(model.proto, { graph: pruneUnused(changed) });
  return { model: { proto, path: model.path }, swapped: aligning.swapped, transposesSaved };
}

function isSwap(node: NodeProto): boolean {
  return attributeOf(node, 'perm')?.ints.join() === SWAP.join();
}

class Aligning {
  readonly nodes: NodeProto[] = [];
  readonly added: TensorProto[] = [];
  readonly swapped: string[] = [];
  /** For a value, the name of the same with height and width swapped. */
  readonly #swaps = new Map<string, string>();
  /** Values that exist only swapped so far. */
  readonly #missing = new Set<string>();
  readonly #names: NameSource;
  readonly #ranks: ReadonlyMap<string, number>;
  readonly #constants: ReadonlyMap<string, TensorProto>;
  /** Initializers that are neither inputs nor outputs. */
  readonly #initializers: Set<string>;
  readonly #readers: ReadonlyMap<string, readonly NodeProto[]>;
  #orderName = '';

  constructor(model: OnnxModel) {
    const graph = mainGraph(model);
    this.#names = new NameSource(model.proto);
    this.#ranks = ranksOf(graph);
    const constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
    this.#initializers = new Set(constants.keys());
    for (const { name } of [...graph.input, ...graph.output]) this.#initializers.delete(name);
    this.#readers = consumersOf(graph);
    for (const node of graph.node) {
      const value = isOp(node, 'Constant') ? attributeOf(node, 'value')?.t : undefined;
      if (value !== undefined) constants.set(node.output[0] ?? '', value);
    }
    this.#constants = constants;
  }

  /** Adds a node as it is, or in a form for swapped values. */
  take(node: NodeProto): void {
    const [first = ''] = node.input;
    if (isOp(node, 'Transpose') && this.#takeTranspose(node, first)) return;
    if (isOp(node, 'Conv') && this.#widens(node) && this.#takeConvolution(node, first)) return;
    if (isOp(node, 'Shape') && node.attribute.length === 0 && this.#missing.has(first)) {
      const dims = this.#names.value(`${node.output[0] ?? ''}_swapped`);
      this.nodes.push(makeNode('Shape', [this.#swappedName(first)], [dims], { name: node.name }));
      this.nodes.push(makeNode('Gather', [dims, this.#order()], [...node.output], { attributes: { axis: 0 } }));
      return;
    }
    if (node.input.some((name) => this.#missing.has(name))) {
      if (isOp(node, 'Conv') && this.#missing.has(first) && this.#takeConvolution(node, first)) return;
      const alone = UNARY.has(node.opType) && node.input.slice(1).every((name) => this.#isSymmetric(name));
      if ((alone || BINARY.has(node.opType)) && this.#takeElementwise(node)) return;
    }
    for (const name of valuesRead(node)) this.straight(name);
    this.nodes.push(node);
  }

  /** Makes a value that exists only swapped as it was. */
  straight(name: string): void {
    const swapped = this.#swaps.get(name);
    if (swapped === undefined || !this.#missing.delete(name)) return;
    this.nodes.push(makeNode('Transpose', [swapped], [name], { attributes: { perm: SWAP } }));
    // It holds both ways: who wants the other one swapped has it already.
    if (!this.#swaps.has(swapped)) this.#swaps.set(swapped, name);
  }

  #takeTranspose(node: NodeProto, input: string): boolean {
    const output = node.output[0] ?? '';
    const perm = attributeOf(node, 'perm')?.ints.map(Number) ?? [];
    if (perm.length !== 4) return false;
    const source = this.#swaps.get(input);
    if (source !== undefined && this.#missing.has(input)) {
      const through = perm.map((axis) => SWAP[axis] ?? axis);
      const identity = through.every((axis, index) => axis === index);
      const name = node.name;
      if (identity) this.nodes.push(makeNode('Identity', [source], [output], { name }));
      else this.nodes.push(makeNode('Transpose', [source], [output], { name, attributes: { perm: through } }));
      return true;
    }
    if (!isSwap(node)) return false;
    this.#swaps.set(output, input);
    this.#missing.add(output);
    return true;
  }

  /** Whether a convolution makes more channels than it reads, for a transpose: turning what it reads costs less. */
  #widens(node: NodeProto): boolean {
    const [outputs = 0n, inputs = 0n] = this.#constants.get(node.input[1] ?? '')?.dims ?? [];
    const readers = this.#readers.get(node.output[0] ?? '') ?? [];
    return outputs > inputs && readers.some((reader) => isOp(reader, 'Transpose') && isSwap(reader));
  }

  /** The name of the constant that brings the dimensions of swapped values into their order. */
  #order(): string {
    if (this.#orderName === '') {
      this.#orderName = this.#names.value('swapped_order');
      this.added.push(makeTensor(this.#orderName, 'int64', [4], BigInt64Array.from(SWAP, BigInt)));
    }
    return this.#orderName;
  }

  #takeConvolution(node: NodeProto, input: string): boolean {
    const weight = this.#constants.get(node.input[1] ?? '');
    if (weight === undefined || weight.dims.length !== 4 || tensorDtype(weight) !== 'float32') return false;
    const [outputs = 0, inputs = 0, height = 0, width = 0] = shapeOf(weight);
    const own = node.input[1] ?? '';
    const alone = this.#initializers.has(own) && this.#readers.get(own)?.length === 1;
    const name = alone ? own : this.#names.value(`${own}_swapped`);
    const turned = makeUnfilledTensor(name, 'float32', [outputs, inputs, width, height]);
    bindLazy(turned, () => {
      const values = new Float32Array(outputs * inputs * height * width);
      const source = tensorFloats(weight) as Float32Array<ArrayBuffer>;
      transposeAxes(source, [outputs, inputs, height, width], SWAP, values);
      return new Uint8Array(values.buffer);
    });
    this.added.push(turned);
    const attribute = node.attribute.map((one) => {
      if (!PER_AXIS.has(one.name)) return one;
      const [a = 0, b = 0, c = 0, d = 0] = one.ints.map(Number);
      return makeAttribute(one.name, one.name === 'pads' ? [b, a, d, c] : [b, a]);
    });
    const source = this.#swappedName(input);
    const bias = node.input.slice(2);
    const output = this.#produce(node.output[0] ?? '');
    this.nodes.push(copyMessage(node, { input: [source, name, ...bias], output: [output], attribute }));
    this.swapped.push(nodeTitle(node));
    return true;
  }

  #takeElementwise(node: NodeProto): boolean {
    const fit = node.input.every(
      (name) => name === '' || this.#isSymmetric(name) || this.#swaps.has(name) || this.#ranks.get(name) === 4,
    );
    if (!fit) return false;
    const input = node.input.map((name) => (name === '' || this.#isSymmetric(name) ? name : this.#swappedName(name)));
    const output = this.#produce(node.output[0] ?? '');
    this.nodes.push(copyMessage(node, { input, output: [output] }));
    return true;
  }

  /** Whether a constant is the same when height and width are swapped: one number, or one for each channel. */
  #isSymmetric(name: string): boolean {
    if (name === '') return true;
    const constant = this.#constants.get(name);
    if (constant === undefined) return false;
    return elementCount(constant) === 1 || (constant.dims.at(-1) === 1n && constant.dims.at(-2) === 1n);
  }

  /** The swapped form of a value, made if it is not there. */
  #swappedName(name: string): string {
    const known = this.#swaps.get(name);
    if (known !== undefined) return known;
    const made = this.#names.value(`${name}_swapped`);
    this.nodes.push(makeNode('Transpose', [name], [made], { attributes: { perm: SWAP } }));
    this.#swaps.set(name, made);
    return made;
  }

  /** Names the swapped form of a value that is not made as it was. */
  #produce(output: string): string {
    const made = this.#names.value(`${output}_swapped`);
    this.#swaps.set(output, made);
    this.#missing.add(output);
    return made;
  }
}
