import type { TensorProto } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { readSlice, sliceOf } from '../../onnx/file/payload.js';
import { CODE_MARKS, codeMark, MARK_BYTES } from '../../onnx/file/storedData.js';
import { copyMessage } from '../../onnx/graph/copy.js';
import { mainGraph, type OnnxModel } from '../../onnx/model.js';
import type { Dtype } from '../../onnx/tensor/dtype.js';
import { mapTensors } from '../../onnx/tensor/mapTensors.js';
import { shapeOf, storedSizeBytes, tensorBytes, tensorDtype } from '../../onnx/tensor/tensor.js';
import { byteCounts, codedSizeBytes, entropyBits, huffmanDecode, huffmanEncode, huffmanLengths } from './huffman.js';

/** Before the code of a tensor: its mark, the number of bytes coded (32 bits, little-endian), the table. */
const TABLE_BYTES = 256;
const HEAD_BYTES = MARK_BYTES + 4 + TABLE_BYTES;

/** Bits of the shortest code: so many bytes at most are in a byte of it. */
const SHORTEST_BITS = 1;

/** Element types whose bytes are single codes of a quantizer, unequally often used. */
const CODED_TYPES: ReadonlySet<Dtype> = new Set(['int8', 'uint8']);

/** What Huffman's code makes of one tensor. */
export interface CodedTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** As stored in a model. */
  readonly sizeBytes: number;
  /** Shannon's entropy of its bytes: bits for each. */
  readonly entropyBits: number;
  /** With its table; as stored where that is less. */
  readonly codedBytes: number;
}

/** What Huffman's code makes of a model. */
export interface CodingReport {
  /** Integer tensors, as they stand in the model. */
  readonly tensors: readonly CodedTensor[];
  readonly sizeBytes: number;
  readonly codedBytes: number;
  /** Bytes of the other tensors, which stay as they are. */
  readonly leftBytes: number;
}

/**
 * Codes the 8-bit weights of a quantized model by how often each value occurs, each tensor with a table of its own
 * (Han et al., Deep Compression, 2016, section 4): for storing and sending. The result keeps the form of a model but
 * cannot be run before {@link entropyDecode} brings every byte back.
 *
 * Packed 4-bit weights are coded by their bytes, two values together.
 *
 * @param model - left as it is
 * @returns the coded model and what each tensor became
 * @throws {InputError} when it is coded already
 * @example
 * const { model, report } = entropyCode(quantizeDynamic(await readModel('model.onnx')).model);
 */
export function entropyCode(model: OnnxModel): { readonly model: OnnxModel; readonly report: CodingReport } {
  if (isCoded(model)) {
    throw new InputError(
      `${model.path}: a model that is not coded was required, got a coded one; it is as small as this gets`,
    );
  }
  const tensors: CodedTensor[] = [];
  let leftBytes = 0;
  const graph = mapTensors(mainGraph(model), (tensor) => {
    const sizeBytes = storedSizeBytes(tensor);
    if (!CODED_TYPES.has(tensorDtype(tensor)) || sizeBytes <= HEAD_BYTES) {
      leftBytes += sizeBytes;
      return tensor;
    }
    const bytes = tensorBytes(tensor);
    const counts = byteCounts(bytes);
    const coded = HEAD_BYTES + codedSizeBytes(counts, huffmanLengths(counts));
    const codedBytes = Math.min(coded, sizeBytes);
    const { name } = tensor;
    const dtype = tensorDtype(tensor);
    tensors.push({ name, dtype, shape: shapeOf(tensor), sizeBytes, entropyBits: entropyBits(counts), codedBytes });
    // A tensor is told to be coded by its length: one that would not shrink stays.
    return coded < sizeBytes ? coding(tensor, bytes) : tensor;
  });
  const sum = (pick: (tensor: CodedTensor) => number): number => tensors.reduce((all, one) => all + pick(one), 0);
  return {
    model: { proto: copyMessage(model.proto, { graph }), path: model.path },
    report: {
      tensors,
      sizeBytes: sum((tensor) => tensor.sizeBytes),
      codedBytes: sum((tensor) => tensor.codedBytes),
      leftBytes,
    },
  };
}

/**
 * Brings a model back from {@link entropyCode}, byte for byte; weights that had files of their own are in it now.
 *
 * @param model - coded, as read from its file; left as it is
 * @throws {InputError} when the code of a tensor is damaged
 */
export function entropyDecode(model: OnnxModel): OnnxModel {
  const graph = mapTensors(mainGraph(model), (tensor) => {
    const mark = CODED_TYPES.has(tensorDtype(tensor)) ? codeMark(tensor) : undefined;
    if (mark === undefined) return tensor;
    const slice = sliceOf(tensor);
    const code = slice === undefined ? tensor.rawData : readSlice(slice);
    if (code.length < HEAD_BYTES) throw damaged(tensor, code.length);
    const count = new DataView(code.buffer, code.byteOffset).getUint32(MARK_BYTES, true);
    const bits = code.subarray(HEAD_BYTES);
    if (count !== storedSizeBytes(tensor) || count * SHORTEST_BITS > bits.length * 8) throw damaged(tensor, count);
    const lengths = code.slice(MARK_BYTES + 4, HEAD_BYTES);
    const decoded = huffmanDecode({ lengths, bits, count }) as Uint8Array<ArrayBuffer>;
    if (mark === 'raw') return copyMessage(tensor, { rawData: decoded });
    const signed = tensorDtype(tensor) === 'int8' ? new Int8Array(decoded.buffer) : decoded;
    return copyMessage(tensor, { int32Data: Array.from(signed) }, ['rawData']);
  });
  return { proto: copyMessage(model.proto, { graph }), path: model.path };
}

function damaged(tensor: TensorProto, count: number): InputError {
  return new InputError(
    `tensor ${tensor.name}: a code of ${storedSizeBytes(tensor)} bytes was required, got one of ${count}; the file is damaged`,
  );
}

/** Whether a model was coded by {@link entropyCode}. */
export function isCoded(model: OnnxModel): boolean {
  let coded = false;
  mapTensors(mainGraph(model), (tensor) => {
    coded ||= CODED_TYPES.has(tensorDtype(tensor)) && codeMark(tensor) !== undefined;
    return tensor;
  });
  return coded;
}

function coding(tensor: TensorProto, bytes: Uint8Array): TensorProto {
  const { lengths, bits, count } = huffmanEncode(bytes);
  const rawData = new Uint8Array(HEAD_BYTES + bits.length);
  // What stands in `int32_data` goes back there: every byte of the file comes back.
  const mark = tensor.int32Data.length > 0 ? CODE_MARKS.int32 : CODE_MARKS.raw;
  rawData.set(new TextEncoder().encode(mark));
  new DataView(rawData.buffer).setUint32(MARK_BYTES, count, true);
  rawData.set(lengths, MARK_BYTES + 4);
  rawData.set(bits, HEAD_BYTES);
  return copyMessage(tensor, { rawData, int32Data: [], externalData: [] }, ['dataLocation']);
}
