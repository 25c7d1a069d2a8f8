import type { TensorProto } from 'onnx-buf';
import { bindLazy } from '../../onnx/file/payload.js';
import { transposeMatrices } from '../../onnx/graph/transpose.js';
import { MICROSOFT_DOMAIN } from '../../onnx/model.js';
import { makeTensor, makeUnfilledTensor, tensorFloats } from '../../onnx/tensor/tensor.js';
import { compressedWeight, type Rewriting } from '../rewrite/rewrite.js';
import type { Constant, Scope } from '../rewrite/scope.js';
import { signalToErrorDb } from '../rewrite/signalToError.js';
import { dequantizeBlocks, quantizeBlocks } from '../weightOnly/blocks.js';
import type { RecurrentNode } from './recurrentNode.js';
import type { RecurrentSettings } from './recurrentOptions.js';
import type { NodeWriter } from './recurrentWriter.js';

/** Which gates a product computes: rows from `first` on, `count` of them, each of as many rows as there are units. */
export interface GateRange {
  readonly first: number;
  readonly count: number;
}

/** What the rewriting of one recurrent node collects besides what every rewriting does. */
export interface ProductRecord {
  /** Names of `MatMul` nodes that are to be quantized to int8 afterwards. */
  readonly integerNodes: Set<string>;
  /** For the name of each matrix made: the weight that it came from and the node that used it. */
  readonly origins: Map<string, { readonly weight: Constant; readonly recurrent: RecurrentNode }>;
  /** Names of the biases made. */
  readonly biases: Set<string>;
}

/** Writes the products of one recurrent node. */
export class ProductWriter {
  constructor(
    readonly recurrent: RecurrentNode,
    readonly settings: RecurrentSettings,
    readonly scope: Scope,
    readonly rewriting: Rewriting,
    readonly record: ProductRecord,
  ) {}

  /** x · Wᵀ + bias for one direction: [T, N, gates · units]. */
  project(writer: NodeWriter, x: string, direction: number): string {
    const { w, inputs, gates } = this.recurrent;
    const range = { first: 0, count: gates };
    const matrix = this.#matrix(writer, w, direction, range, inputs, 'W');
    return this.#plain(writer, x, matrix, this.#inputBias(direction), this.settings.projection === 'int8');
  }

  /** h · Rᵀ for some gates of one direction: [N, count · units]; with its own bias where the cell needs it apart. */
  recur(writer: NodeWriter, h: string, direction: number, range: GateRange): string {
    const { r, units } = this.recurrent;
    const bias = this.#stateBias(direction, range);
    const { recurrence } = this.settings;
    if (recurrence === 'nbits8' || recurrence === 'nbits4') return this.#blocks(writer, h, direction, range, bias);
    return this.#plain(writer, h, this.#matrix(writer, r, direction, range, units, 'R'), bias, recurrence === 'int8');
  }

  #plain(writer: NodeWriter, x: string, matrix: string, bias: Float32Array | null, integer: boolean): string {
    const product = writer.add('MatMul', [x, matrix]);
    const node = writer.nodes.at(-1);
    if (integer && node !== undefined) this.record.integerNodes.add(node.name);
    // The runtime joins product and bias only when the constant comes second.
    return bias === null ? product : writer.add('Add', [product, this.#storeBias(writer, bias)]);
  }

  #blocks(writer: NodeWriter, h: string, direction: number, range: GateRange, bias: Float32Array | null): string {
    const { units } = this.recurrent;
    const bits = this.settings.recurrence === 'nbits4' ? 4 : 8;
    // A block longer than the column would be filled with zeros: the shortest that holds it is enough.
    let { blockSize } = this.settings;
    while (blockSize > 16 && blockSize / 2 >= units) blockSize /= 2;
    const columns = range.count * units;
    const inputs = [h, ...this.#blockMatrix(writer, direction, range, bits, blockSize)];
    if (bias !== null) inputs.push('', '', this.#storeBias(writer, bias));
    const attributes = { K: units, N: columns, bits, block_size: blockSize, accuracy_level: 4 };
    return writer.addTo(writer.name('MatMulNBits'), 'MatMulNBits', inputs, attributes, MICROSOFT_DOMAIN);
  }

  /** Names of the packed recurrence and its scales; one for all nodes that share the weight. */
  #blockMatrix(writer: NodeWriter, direction: number, range: GateRange, bits: 4 | 8, blockSize: number): string[] {
    const { units, r, node } = this.recurrent;
    const columns = range.count * units;
    const key = `${r.name} blocks ${direction} ${range.first} ${range.count}`;
    const known = r.owner.weights.get(key);
    if (known !== undefined) return [known.quantized, known.scale];
    const floats = this.#turned(r, direction, range, units);
    const matrix = quantizeBlocks(floats, units, columns, { bits, blockSize, symmetric: true });
    const blocks = Math.ceil(units / blockSize);
    const packedName = writer.name(`R_Q${bits}`);
    const scalesName = writer.name('R_scales');
    const made = [
      makeTensor(packedName, 'uint8', [columns, blocks, (blockSize * bits) / 8], matrix.packed),
      makeTensor(scalesName, 'float32', [columns * blocks], matrix.scales),
    ];
    r.owner.added.push(...made);
    r.owner.weights.set(key, { quantized: packedName, scale: scalesName, zeroPoint: '' });
    this.rewriting.params.add(scalesName);
    const lost = signalToErrorDb(floats, dequantizeBlocks(matrix));
    const title = compressedWeight(r, node, made, 'block', lost);
    const bytes = 4 * floats.length;
    const report = { ...title, shape: [columns, units], sizeBytesBefore: bytes };
    this.rewriting.compressed.push({ stored: packedName, report });
    return [packedName, scalesName];
  }

  /** A float matrix [width, count · units], made only when somebody asks for its values; one for all nodes that share the weight. */
  #matrix(
    writer: NodeWriter,
    weight: Constant,
    direction: number,
    range: GateRange,
    width: number,
    letter: string,
  ): string {
    const key = `${weight.name} matrix ${direction} ${range.first} ${range.count}`;
    const known = weight.owner.weights.get(key);
    if (known !== undefined) return known.quantized;
    const name = writer.name(letter);
    const tensor = makeUnfilledTensor(name, 'float32', [width, range.count * this.recurrent.units]);
    bindLazy(tensor, () => new Uint8Array(this.#turned(weight, direction, range, width).buffer));
    weight.owner.added.push(tensor);
    weight.owner.weights.set(key, { quantized: name, scale: '', zeroPoint: '' });
    this.record.origins.set(name, { weight, recurrent: this.recurrent });
    return name;
  }

  #turned(weight: Constant, direction: number, range: GateRange, width: number): Float32Array<ArrayBuffer> {
    const { units, gates } = this.recurrent;
    const first = (direction * gates + range.first) * units * width;
    const rows = range.count * units;
    const turned = new Float32Array(rows * width);
    const part = tensorFloats(weight.tensor).subarray(first, first + rows * width);
    transposeMatrices(part as Float32Array<ArrayBuffer>, turned, 1, rows, width);
    return turned;
  }

  /** Both biases together, as far as they can be added before the recurrence; `null` where they are all zero. */
  #inputBias(direction: number): Float32Array | null {
    const { bias, gates, units } = this.recurrent;
    if (bias === null) return null;
    const rows = gates * units;
    const start = direction * 2 * rows;
    const apart = this.#apart();
    const sum = Float32Array.from({ length: rows }, (_, row) => {
      const own = bias[start + row] ?? 0;
      return apart !== null && row >= apart ? own : own + (bias[start + rows + row] ?? 0);
    });
    return sum.every((value) => value === 0) ? null : sum;
  }

  /** The recurrent bias of the gates that need it within the product. */
  #stateBias(direction: number, range: GateRange): Float32Array | null {
    const { bias, gates, units } = this.recurrent;
    const apart = this.#apart();
    if (bias === null || apart === null) return null;
    const start = (direction * 2 + 1) * gates * units;
    const own = Float32Array.from({ length: range.count * units }, (_, index) => {
      const row = range.first * units + index;
      return row >= apart ? (bias[start + row] ?? 0) : 0;
    });
    return own.every((value) => value === 0) ? null : own;
  }

  /** First row whose recurrent bias is multiplied by the reset gate with its product. */
  #apart(): number | null {
    const { opType, linearBeforeReset, units } = this.recurrent;
    return opType === 'GRU' && linearBeforeReset ? 2 * units : null;
  }

  #storeBias(writer: NodeWriter, bias: Float32Array): string {
    const name = writer.name('bias');
    const tensor: TensorProto = makeTensor(name, 'float32', [bias.length], bias);
    this.scope.added.push(tensor);
    this.record.biases.add(name);
    return name;
  }
}
