/** Element types of ONNX tensors, by the names NumPy and ONNX give them, in the order of their codes. */
const NAMES = [
  'undefined',
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
  'complex64',
  'complex128',
  'bfloat16',
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'uint4',
  'int4',
  'float4e2m1',
  'float8e8m0',
  'uint2',
  'int2',
] as const;

/** Name of an element type, such as `float32`. */
export type Dtype = (typeof NAMES)[number];

/** Bits an element takes when stored; strings have none. */
const BITS: Readonly<Record<Dtype, number>> = {
  undefined: 0,
  float32: 32,
  uint8: 8,
  int8: 8,
  uint16: 16,
  int16: 16,
  int32: 32,
  int64: 64,
  string: 0,
  bool: 8,
  float16: 16,
  float64: 64,
  uint32: 32,
  uint64: 64,
  complex64: 64,
  complex128: 128,
  bfloat16: 16,
  float8e4m3fn: 8,
  float8e4m3fnuz: 8,
  float8e5m2: 8,
  float8e5m2fnuz: 8,
  uint4: 4,
  int4: 4,
  float4e2m1: 4,
  float8e8m0: 8,
  uint2: 2,
  int2: 2,
};

/** Codes of `TensorProto.DataType` by name. */
export const DTYPE_CODE: Readonly<Record<Dtype, number>> = Object.fromEntries(
  NAMES.map((name, code) => [name, code]),
) as Record<Dtype, number>;

/**
 * Name of an element type's code (`TensorProto.DataType`).
 *
 * @returns the name, or `undefined` the value for a code that the ONNX version known here does not have
 * @example dtypeOf(1) // 'float32'
 */
export function dtypeOf(code: number): Dtype | undefined {
  return NAMES[code];
}

/** Bits that an element of the type takes in a file; 0 for strings. */
export function bitsOf(dtype: Dtype): number {
  return BITS[dtype];
}
