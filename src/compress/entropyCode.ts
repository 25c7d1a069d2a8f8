import { encodeTensor } from '../onnx/file/codedTensor.js';
import { copyMessage } from '../onnx/graph/copy.js';
import { mainGraph, type OnnxModel } from '../onnx/model.js';
import type { Dtype } from '../onnx/tensor/dtype.js';
import { mapTensors } from '../onnx/tensor/mapTensors.js';
import { elementCount, shapeOf, storedSizeBytes, tensorBytes, tensorDtype } from '../onnx/tensor/tensor.js';

/** Smaller tensors are scales, zero points and the like: with nothing to gain. */
const SMALLEST_BYTES = 256;

/** What coding makes of one tensor. */
export interface CodedTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** As stored in a model. */
  readonly sizeBytes: number;
  /** Shannon's entropy of its bytes, those of each place in an element by themselves: bits for each element. */
  readonly entropyBits: number;
  /** As stored where that is less. */
  readonly codedBytes: number;
}

/** What coding makes of a model. */
export interface CodingReport {
  /** Tensors of 256 bytes and more, as they stand in the model. */
  readonly tensors: readonly CodedTensor[];
  readonly sizeBytes: number;
  readonly codedBytes: number;
  /** Bytes of the other tensors, which stay as they are. */
  readonly leftBytes: number;
}

/**
 * Codes the weights of a model by how often each value occurs (Han et al., Deep Compression, 2016, section 4), each tensor by
 * itself and without loss: Huffman's code as deflate writes it, or range asymmetric numeral systems where that is shorter.
 *
 * The result keeps the form of a model. Whatever reads a model here decodes it, and sessions do so in memory; other programs cannot
 * load it before it is read and written again. Packed 4-bit weights are coded by their bytes, two values together.
 *
 * @param model - left as it is
 * @returns the model, to be written, and what each tensor became
 * @example
 * const { model, report } = entropyCode(quantizeDynamic(await readModel('model.onnx')).model);
 * await writeModel(model, 'model.coded.onnx');
 */
export function entropyCode(model: OnnxModel): { readonly model: OnnxModel; readonly report: CodingReport } {
  const tensors: CodedTensor[] = [];
  let leftBytes = 0;
  const graph = mapTensors(mainGraph(model), (tensor) => {
    const sizeBytes = storedSizeBytes(tensor);
    const dtype = tensorDtype(tensor);
    if (sizeBytes < SMALLEST_BYTES) {
      leftBytes += sizeBytes;
      return tensor;
    }
    const bytes = tensorBytes(tensor);
    const rawData = encodeTensor(tensor, bytes);
    const codedBytes = Math.min(rawData.length, sizeBytes);
    const entropyBits = entropyOf(bytes, bytes.length / elementCount(tensor));
    tensors.push({ name: tensor.name, dtype, shape: shapeOf(tensor), sizeBytes, entropyBits, codedBytes });
    // A tensor is told to be coded by its length: one that would not shrink stays.
    if (codedBytes === sizeBytes) return tensor;
    const elsewhere = { floatData: [], int32Data: [], int64Data: [], doubleData: [], uint64Data: [], externalData: [] };
    return copyMessage(tensor, { ...elsewhere, rawData }, ['dataLocation']);
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
 * Bits for each element by Shannon's entropy of the bytes at each of its places.
 *
 * @param width - bytes of an element; below 1 where several share a byte
 */
function entropyOf(bytes: Uint8Array, width: number): number {
  const places = Math.max(1, Math.round(width));
  const counts = Array.from({ length: places }, () => new Uint32Array(256));
  for (let i = 0; i < bytes.length; i++) {
    const own = counts[i % places] as Uint32Array;
    own[bytes[i] as number] = (own[bytes[i] as number] as number) + 1;
  }
  const total = bytes.length / places;
  const ofByte = counts.reduce((sum, own) => {
    for (const count of own) if (count > 0) sum -= (count / total) * Math.log2(count / total);
    return sum;
  }, 0);
  return width < 1 ? ofByte * width : ofByte;
}
