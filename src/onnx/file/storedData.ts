import { type TensorProto, TensorProto_DataLocation } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { bitsOf, dtypeOf } from '../tensor/dtype.js';
import { elementCount, storedSizeBytes, tensorDtype } from '../tensor/tensor.js';
import { readSlice, sliceOf } from './payload.js';

/** First letters of weights that are coded for storing (`entropyCode`): from `raw_data`, and from `int32_data`. */
export const CODE_MARKS = { raw: 'QLDR', int32: 'QLDI' } as const;

/** How many letters a mark has. */
export const MARK_BYTES = 4;

/** The mark of a coded tensor; `undefined` where its bytes are its elements. */
export function codeMark(tensor: TensorProto): keyof typeof CODE_MARKS | undefined {
  const slice = sliceOf(tensor);
  const length = slice?.length ?? tensor.rawData.length;
  if (length <= MARK_BYTES || length === storedSizeBytes(tensor)) return undefined;
  const bytes = slice === undefined ? tensor.rawData.subarray(0, MARK_BYTES) : readSlice(slice, 0, MARK_BYTES);
  const letters = new TextDecoder().decode(bytes);
  return letters === CODE_MARKS.raw ? 'raw' : letters === CODE_MARKS.int32 ? 'int32' : undefined;
}

/**
 * Checks that a tensor has as much data as its shape asks for, wherever in the message it stands.
 *
 * @param path - the model, for messages
 * @throws {InputError} naming file and tensor
 */
export function checkStoredData(tensor: TensorProto, path: string): void {
  const dtype = dtypeOf(tensor.dataType);
  // What an unknown type takes cannot be told; external data was checked with its file.
  if (dtype === undefined || dtype === 'undefined' || tensor.dataLocation === TensorProto_DataLocation.EXTERNAL) return;
  let required: number;
  try {
    required = storedSizeBytes(tensor);
  } catch (error) {
    throw new InputError(`${path}: ${(error as Error).message}`, { cause: error });
  }
  const got = dtype === 'string' ? tensor.stringData.length : storedBytes(tensor);
  const wanted = dtype === 'string' ? elementCount(tensor) : required;
  if (got === wanted || codeMark(tensor) !== undefined) return;
  const unit = dtype === 'string' ? 'texts' : 'bytes';
  throw new InputError(
    `${path}: tensor ${tensor.name === '' ? '(without a name)' : tensor.name}: ${wanted} ${unit} for ${dtype} [${tensor.dims.join(', ')}] were required, got ${got}; the file is damaged`,
  );
}

/** Bytes of the elements that a message holds. */
function storedBytes(tensor: TensorProto): number {
  const slice = sliceOf(tensor);
  if (slice !== undefined) return slice.length;
  if (tensor.rawData.length > 0) return tensor.rawData.length;
  const dtype = tensorDtype(tensor);
  switch (dtype) {
    case 'float32':
    case 'complex64':
      return 4 * tensor.floatData.length;
    case 'float64':
    case 'complex128':
      return 8 * tensor.doubleData.length;
    case 'int64':
      return 8 * tensor.int64Data.length;
    case 'uint32':
    case 'uint64':
      return (bitsOf(dtype) / 8) * tensor.uint64Data.length;
    default:
      // Types of less than eight bits: one int32 for each stored byte.
      return Math.max(1, bitsOf(dtype) / 8) * tensor.int32Data.length;
  }
}
