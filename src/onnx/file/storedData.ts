import { type TensorProto, TensorProto_DataLocation } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { bitsOf, dtypeOf } from '../tensor/dtype.js';
import { elementCount, storedSizeBytes, tensorDtype } from '../tensor/tensor.js';
import { holdsCode } from './codedTensor.js';
import { sliceOf } from './payload.js';

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
  if (got === wanted || holdsCode(tensor)) return;
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
