import type { TensorProto } from 'onnx-buf';
import { InputError } from '../errors.js';
import { copyMessage } from '../onnx/copy.js';
import type { Dtype } from '../onnx/dtype.js';
import { mapTensors } from '../onnx/mapTensors.js';
import { mainGraph, type OnnxModel } from '../onnx/model.js';
import { readSlice, sliceOf } from '../onnx/payload.js';
import { shapeOf, storedSizeBytes, tensorBytes, tensorDtype } from '../onnx/tensor.js';
import { byteCounts, codedSizeBytes, entropyBits, huffmanDecode, huffmanEncode, huffmanLengths } from './huffman.js';

/** Before the code of a tensor: these letters, the number of bytes coded (32 bits, little-endian), the table. */
const MAGIC = 'QLHC';
const TABLE_BYTES = 256;
const HEAD_BYTES = MAGIC.length + 4 + TABLE_BYTES;

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
 * @example
 * const { model, report } = entropyCode(quantizeDynamic(await readModel('model.onnx')).model);
 */
export function entropyCode(model: OnnxModel): { readonly model: OnnxModel; readonly report: CodingReport } {
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
 * Brings a model back from {@link entropyCode}, byte for byte.
 *
 * @param model - coded, as read from its file; left as it is
 * @throws {InputError} when the code of a tensor is damaged
 */
export function entropyDecode(model: OnnxModel): OnnxModel {
  const graph = mapTensors(mainGraph(model), (tensor) => {
    const rawData = codeOf(tensor);
    if (rawData === undefined) return tensor;
    const count = new DataView(rawData.buffer, rawData.byteOffset).getUint32(MAGIC.length, true);
    if (count !== storedSizeBytes(tensor)) {
      throw new InputError(
        `tensor ${tensor.name}: a code of ${storedSizeBytes(tensor)} bytes was required, got one of ${count}; the file is damaged`,
      );
    }
    const lengths = rawData.slice(MAGIC.length + 4, HEAD_BYTES);
    const decoded = huffmanDecode({ lengths, bits: rawData.subarray(HEAD_BYTES), count });
    return copyMessage(tensor, { rawData: decoded as Uint8Array<ArrayBuffer> });
  });
  return { proto: copyMessage(model.proto, { graph }), path: model.path };
}

function coding(tensor: TensorProto, bytes: Uint8Array): TensorProto {
  const { lengths, bits, count } = huffmanEncode(bytes);
  const rawData = new Uint8Array(HEAD_BYTES + bits.length);
  rawData.set(new TextEncoder().encode(MAGIC));
  new DataView(rawData.buffer).setUint32(MAGIC.length, count, true);
  rawData.set(lengths, MAGIC.length + 4);
  rawData.set(bits, HEAD_BYTES);
  return copyMessage(tensor, { rawData, int32Data: [] });
}

/** The code of a tensor, wherever it is stored; `undefined` where it is none. */
function codeOf(tensor: TensorProto): Uint8Array | undefined {
  if (!CODED_TYPES.has(tensorDtype(tensor))) return undefined;
  const slice = sliceOf(tensor);
  const length = slice?.length ?? tensor.rawData.length;
  if (length < HEAD_BYTES || length === storedSizeBytes(tensor)) return undefined;
  const bytes = slice === undefined ? tensor.rawData : readSlice(slice);
  return new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) === MAGIC ? bytes : undefined;
}
