import { InputError } from '../errors.js';
import { StreamReader, writeStream } from '../onnx/file/byteStreams.js';
import { readSlice, sliceOf } from '../onnx/file/payload.js';
import { CODE_MARKS, codeMark, MARK_BYTES } from '../onnx/file/storedData.js';
import { copyMessage } from '../onnx/graph/copy.js';
import { mainGraph, type OnnxModel } from '../onnx/model.js';
import type { Dtype } from '../onnx/tensor/dtype.js';
import { mapTensors } from '../onnx/tensor/mapTensors.js';
import { shapeOf, storedSizeBytes, tensorBytes, tensorDtype } from '../onnx/tensor/tensor.js';

/** Element types whose bytes are single codes of a quantizer, unequally often used. */
const CODED_TYPES: ReadonlySet<Dtype> = new Set(['int8', 'uint8']);

/** Smaller tensors are zero points and the like: with nothing to gain. */
const SMALLEST_BYTES = 256;

/** What coding makes of one tensor. */
export interface CodedTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** As stored in a model. */
  readonly sizeBytes: number;
  /** Shannon's entropy of its bytes: bits for each. */
  readonly entropyBits: number;
  /** As stored where that is less. */
  readonly codedBytes: number;
}

/** What coding makes of a model. */
export interface CodingReport {
  /** Integer tensors, as they stand in the model. */
  readonly tensors: readonly CodedTensor[];
  readonly sizeBytes: number;
  readonly codedBytes: number;
  /** Bytes of the other tensors, which stay as they are. */
  readonly leftBytes: number;
}

/**
 * Codes the 8-bit weights of a quantized model by how often each value occurs (Han et al., Deep Compression, 2016, section 4), each
 * tensor by itself, in the same streams as weights that are shipped: Huffman's code, as deflate writes it. For storing
 * and sending. The result keeps the form of a model but cannot be run before {@link entropyDecode} brings every byte back.
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
    const dtype = tensorDtype(tensor);
    if (!CODED_TYPES.has(dtype) || sizeBytes < SMALLEST_BYTES) {
      leftBytes += sizeBytes;
      return tensor;
    }
    const bytes = tensorBytes(tensor);
    // What stands in `int32_data` goes back there: every byte of the file comes back.
    const mark = tensor.int32Data.length > 0 ? CODE_MARKS.int32 : CODE_MARKS.raw;
    const rawData = new Uint8Array(Buffer.concat([Buffer.from(mark), ...writeStream(bytes)]));
    const codedBytes = Math.min(rawData.length, sizeBytes);
    tensors.push({
      name: tensor.name,
      dtype,
      shape: shapeOf(tensor),
      sizeBytes,
      entropyBits: entropyOf(bytes),
      codedBytes,
    });
    // A tensor is told to be coded by its length: one that would not shrink stays.
    if (codedBytes === sizeBytes) return tensor;
    return copyMessage(tensor, { rawData, int32Data: [], externalData: [] }, ['dataLocation']);
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
    const reader = new StreamReader(code, `${model.path}: tensor ${tensor.name}`);
    reader.take(MARK_BYTES);
    const decoded = new Uint8Array(reader.stream(storedSizeBytes(tensor)));
    if (!reader.atEnd) throw reader.damaged('no more bytes', 'some');
    if (mark === 'raw') return copyMessage(tensor, { rawData: decoded });
    const signed = tensorDtype(tensor) === 'int8' ? new Int8Array(decoded.buffer) : decoded;
    return copyMessage(tensor, { int32Data: Array.from(signed) }, ['rawData']);
  });
  return { proto: copyMessage(model.proto, { graph }), path: model.path };
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

/** Shannon's entropy of bytes, one by one, in bits: 0 to 8. */
function entropyOf(bytes: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
  const shares = [...counts].filter((count) => count > 0).map((count) => count / bytes.length);
  return shares.reduce((sum, share) => sum - share * Math.log2(share), 0);
}
