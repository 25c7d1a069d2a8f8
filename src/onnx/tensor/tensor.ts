import { create } from '@bufbuild/protobuf';
import { type TensorProto, TensorProto_DataLocation, TensorProtoSchema } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { makerOf, readSlice, sliceOf } from '../file/payload.js';
import { bitsOf, DTYPE_CODE, type Dtype, dtypeOf } from './dtype.js';
import { decodeBfloat16, decodeFloat16 } from './halfFloat.js';

/** A tensor's shape as numbers. */
export function shapeOf(tensor: TensorProto): number[] {
  return tensor.dims.map(Number);
}

/**
 * Number of elements of a tensor, by its shape.
 *
 * @throws {InputError} for a negative dimension or more elements than a file can hold
 */
export function elementCount(tensor: TensorProto): number {
  let count = 1n;
  for (const dim of tensor.dims) {
    if (dim < 0n) throw new InputError(`tensor ${tensor.name}: dimensions of 0 or more were required, got ${dim}`);
    count *= dim;
  }
  if (count > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new InputError(`tensor ${tensor.name}: a countable number of elements was required, got ${count}`);
  }
  return Number(count);
}

/** Element type of a tensor; `undefined` the name for a code unknown here. */
export function tensorDtype(tensor: TensorProto): Dtype {
  return dtypeOf(tensor.dataType) ?? 'undefined';
}

/** Bytes that the elements take when stored: shape times width, rounded up to whole bytes; 0 for strings. */
export function storedSizeBytes(tensor: TensorProto): number {
  return Math.ceil((elementCount(tensor) * bitsOf(tensorDtype(tensor))) / 8);
}

/**
 * The elements of a tensor as the little-endian bytes of ONNX's `raw_data`, from wherever they are stored:
 * `raw_data`, a typed field, an external file.
 *
 * @returns the bytes; a view of the message's own where it has them, so do not write into it
 * @throws {InputError} when the stored bytes do not fit the shape, or the file is gone or changed
 */
export function tensorBytes(tensor: TensorProto): Uint8Array {
  const required = storedSizeBytes(tensor);
  const slice = sliceOf(tensor);
  const bytes = slice === undefined ? (makerOf(tensor)?.() ?? inlineBytes(tensor, required)) : readSlice(slice);
  if (bytes.length !== required) {
    throw new InputError(
      `tensor ${tensor.name}: ${required} bytes for ${tensorDtype(tensor)} [${tensor.dims.join(', ')}] were required, ` +
        `got ${bytes.length}; the file is damaged`,
    );
  }
  return bytes;
}

function inlineBytes(tensor: TensorProto, required: number): Uint8Array {
  if (tensor.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    throw new InputError(
      `tensor ${tensor.name}: its external file was required, got a model without a folder; read it from its file`,
    );
  }
  if (tensor.rawData.length > 0 || required === 0) return tensor.rawData;
  const dtype = tensorDtype(tensor);
  switch (dtype) {
    case 'float32':
    case 'complex64':
      return bytesOf(Float32Array.from(tensor.floatData));
    case 'float64':
    case 'complex128':
      return bytesOf(Float64Array.from(tensor.doubleData));
    case 'int64':
      return bytesOf(BigInt64Array.from(tensor.int64Data));
    case 'uint64':
      return bytesOf(BigUint64Array.from(tensor.uint64Data));
    case 'uint32':
      return bytesOf(Uint32Array.from(tensor.uint64Data, Number));
    case 'int32':
      return bytesOf(Int32Array.from(tensor.int32Data));
    case 'int16':
    case 'uint16':
    case 'float16':
    case 'bfloat16':
      return bytesOf(Uint16Array.from(tensor.int32Data));
    default:
      // Eight bits and fewer: one int32 for each stored byte (two or four packed elements for the small types).
      return Uint8Array.from(tensor.int32Data);
  }
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/**
 * The elements of a floating-point tensor as float32: `float32`, `float16` and `bfloat16` exactly, `float64` rounded.
 *
 * @throws {InputError} for another element type
 */
export function tensorFloats(tensor: TensorProto): Float32Array {
  const bytes = tensorBytes(tensor);
  const dtype = tensorDtype(tensor);
  switch (dtype) {
    case 'float32':
      return new Float32Array(aligned(bytes, 4));
    case 'float16':
      return decodeFloat16(new Uint16Array(aligned(bytes, 2)));
    case 'bfloat16':
      return decodeBfloat16(new Uint16Array(aligned(bytes, 2)));
    case 'float64':
      return Float32Array.from(new Float64Array(aligned(bytes, 8)));
    default:
      throw new InputError(`tensor ${tensor.name}: a floating-point tensor was required, got ${dtype}`);
  }
}

/** Memory that is used again for one weight after another: the system takes longer to give new memory than to read. */
export class FloatScratch {
  #memory: Float32Array = new Float32Array();

  /**
   * The elements of a tensor, as {@link tensorFloats} gives them, valid until the next call.
   *
   * @throws {InputError} as {@link tensorFloats}
   */
  floatsOf(tensor: TensorProto): Float32Array {
    const slice = sliceOf(tensor);
    if (slice === undefined || tensorDtype(tensor) !== 'float32' || slice.length !== storedSizeBytes(tensor)) {
      return tensorFloats(tensor);
    }
    const count = slice.length / 4;
    if (this.#memory.length < count) this.#memory = new Float32Array(count);
    const floats = this.#memory.subarray(0, count);
    readSlice(slice, 0, slice.length, new Uint8Array(floats.buffer, 0, slice.length));
    return floats;
  }
}

/**
 * The elements of an integer (or bool) tensor as numbers.
 *
 * @throws {InputError} for another element type, or an int64 beyond what a number holds exactly
 */
export function tensorIntegers(tensor: TensorProto): number[] {
  const bytes = tensorBytes(tensor);
  const dtype = tensorDtype(tensor);
  switch (dtype) {
    case 'int64':
    case 'uint64':
      return Array.from(new (dtype === 'int64' ? BigInt64Array : BigUint64Array)(aligned(bytes, 8)), (value) => {
        const number = Number(value);
        // Slices say "to the end" with the largest int64: that far up a rounded number means the same.
        return number;
      });
    case 'int32':
      return Array.from(new Int32Array(aligned(bytes, 4)));
    case 'uint32':
      return Array.from(new Uint32Array(aligned(bytes, 4)));
    case 'int16':
      return Array.from(new Int16Array(aligned(bytes, 2)));
    case 'uint16':
      return Array.from(new Uint16Array(aligned(bytes, 2)));
    case 'int8':
      return Array.from(new Int8Array(aligned(bytes, 1)));
    case 'uint8':
    case 'bool':
      return Array.from(bytes);
    default:
      throw new InputError(`tensor ${tensor.name}: an integer tensor was required, got ${dtype}`);
  }
}

/** The buffer of a copy of the bytes where they do not begin at a multiple of the element's width. */
function aligned(bytes: Uint8Array, width: number): ArrayBuffer {
  if (bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength && bytes.byteLength % width === 0) {
    return bytes.buffer as ArrayBuffer;
  }
  return bytes.slice().buffer as ArrayBuffer;
}

/** Makes a tensor without its elements, for somebody to say where they are: `bindSlice` or `bindLazy`. */
export function makeUnfilledTensor(name: string, dtype: Dtype, shape: readonly number[]): TensorProto {
  return create(TensorProtoSchema, { dims: shape.map(BigInt), dataType: DTYPE_CODE[dtype], name });
}

/**
 * Makes a tensor.
 *
 * @param name - name of the initializer; may be empty inside an attribute
 * @param dtype - element type
 * @param shape - dimensions; `[]` for a scalar
 * @param data - elements; a typed array of the type's width, or the stored bytes
 * @throws {InputError} when the number of bytes does not fit the shape
 */
export function makeTensor(name: string, dtype: Dtype, shape: readonly number[], data: ArrayBufferView): TensorProto {
  const tensor = create(TensorProtoSchema, {
    dims: shape.map(BigInt),
    dataType: DTYPE_CODE[dtype],
    name,
    rawData: bytesOf(data) as Uint8Array<ArrayBuffer>,
  });
  const required = storedSizeBytes(tensor);
  if (data.byteLength !== required) {
    throw new InputError(
      `tensor ${name}: ${required} bytes for ${dtype} [${shape.join(', ')}] were required, got ${data.byteLength}`,
    );
  }
  return tensor;
}
