import { InputError } from '../../errors.js';

/** Options of block-wise quantization of a matrix. */
export interface BlockOptions {
  /** 4 or 8. */
  readonly bits: 4 | 8;
  /** Rows of a column that share a scale: a power of two, 16 to 256. */
  readonly blockSize: number;
  /** No zero points: the middle code is zero. */
  readonly symmetric: boolean;
}

/** A matrix [K, N] as `MatMulNBits` stores it: columns first, each cut into blocks. */
export interface BlockMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly bits: 4 | 8;
  readonly blockSize: number;
  /** [N, blocks, blockSize · bits / 8], the lower half of a byte first. */
  readonly packed: Uint8Array;
  /** [N, blocks]. */
  readonly scales: Float32Array;
  /**
   * [N, blocks], packed along a column like the weights and rounded up to whole bytes; or one float for each block;
   * `null` where symmetric.
   */
  readonly zeroPoints: Uint8Array | Float32Array | null;
}

/**
 * Quantizes a matrix block by block to the nearest code, byte for byte as ONNX Runtime 1.31's `MatMulNBitsQuantizer`
 * (its MLAS kernels): the scale spans the block and zero, ties round away from zero.
 *
 * @param weights - [rows, columns], row-major
 * @throws {InputError} when an option or a weight is not what is required
 */
export function quantizeBlocks(
  weights: Float32Array,
  rows: number,
  columns: number,
  options: BlockOptions,
): BlockMatrix {
  checkBlocks(weights, rows, columns, options);
  const { bits, blockSize, symmetric } = options;
  const blocks = Math.ceil(rows / blockSize);
  const top = 2 ** bits - 1;
  const codes = new Uint8Array(columns * blocks * blockSize);
  const scales = new Float32Array(columns * blocks);
  const zeros = new Uint8Array(columns * blocks);
  for (let column = 0; column < columns; column++) {
    for (let block = 0; block < blocks; block++) {
      const first = block * blockSize;
      const end = Math.min(first + blockSize, rows);
      const at = column * blocks + block;
      let lowest = weights[first * columns + column] ?? 0;
      let highest = lowest;
      for (let row = first; row < end; row++) {
        const value = weights[row * columns + column] ?? 0;
        if (value < lowest) lowest = value;
        if (value > highest) highest = value;
      }
      const [scale, zero] = symmetric ? middleScale(lowest, highest, bits) : spanningScale(lowest, highest, top);
      scales[at] = scale;
      zeros[at] = zero;
      const reciprocal = scale === 0 ? 0 : Math.fround(1 / scale);
      const to = at * blockSize;
      for (let row = first; row < end; row++) {
        const scaled = Math.fround((weights[row * columns + column] ?? 0) * reciprocal);
        codes[to + row - first] = clamp(roundHalfAway(Math.fround(scaled + zero)), top);
      }
    }
  }
  // ONNX Runtime's kernel fills the half byte after an odd number of blocks with the middle code.
  const zeroPoints = symmetric ? null : packRows(zeros, columns, blocks, bits, 2 ** (bits - 1));
  return { rows, columns, bits, blockSize, packed: packRows(codes, 1, codes.length, bits), scales, zeroPoints };
}

/** The matrix [rows, columns] that block-wise codes stand for; what `MatMulNBits` multiplies with. */
export function dequantizeBlocks(matrix: BlockMatrix): Float32Array {
  const { rows, columns, bits, blockSize, packed, scales, zeroPoints } = matrix;
  const blocks = Math.ceil(rows / blockSize);
  const zeroStride = Math.ceil((blocks * bits) / 8);
  const weights = new Float32Array(rows * columns);
  for (let column = 0; column < columns; column++) {
    for (let block = 0; block < blocks; block++) {
      const at = column * blocks + block;
      const scale = scales[at] ?? 0;
      let zero = 2 ** (bits - 1);
      if (zeroPoints instanceof Float32Array) zero = zeroPoints[at] ?? 0;
      else if (zeroPoints !== null) zero = codeAt(zeroPoints.subarray(column * zeroStride), block, bits);
      const first = block * blockSize;
      const end = Math.min(first + blockSize, rows);
      for (let row = first; row < end; row++) {
        weights[row * columns + column] = (codeAt(packed, at * blockSize + row - first, bits) - zero) * scale;
      }
    }
  }
  return weights;
}

/**
 * Checks the size of a matrix and the options.
 *
 * @throws {InputError} when something does not fit
 */
export function checkBlocks(weights: Float32Array, rows: number, columns: number, options: BlockOptions): void {
  const { bits, blockSize } = options;
  if (bits !== 4 && bits !== 8) throw new InputError(`bits: 4 or 8 were required, got ${String(bits)}; choose one`);
  if (![16, 32, 64, 128, 256].includes(blockSize)) {
    throw new InputError(`blockSize: 16, 32, 64, 128 or 256 was required, got ${blockSize}; choose one`);
  }
  if (weights.length !== rows * columns || rows < 1 || columns < 1) {
    throw new InputError(`matrix: ${rows} × ${columns} values were required, got ${weights.length}; check its shape`);
  }
  if (!weights.every((value) => value - value === 0)) {
    throw new InputError('matrix: finite weights were required, got NaN or an infinity; look at how it was trained');
  }
}

/** Packs codes of each row into bytes, the lower bits first; a row begins at a byte, and ends with a filling code. */
export function packRows(codes: Uint8Array, rows: number, length: number, bits: 4 | 8, filling = 0): Uint8Array {
  if (bits === 8) return codes;
  const stride = Math.ceil(length / 2);
  const packed = new Uint8Array(rows * stride);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < 2 * stride; i++) {
      const to = row * stride + (i >> 1);
      const code = i < length ? (codes[row * length + i] ?? 0) : filling;
      packed[to] = (packed[to] ?? 0) | (code << (4 * (i & 1)));
    }
  }
  return packed;
}

function codeAt(packed: Uint8Array, index: number, bits: 4 | 8): number {
  return bits === 8 ? (packed[index] ?? 0) : ((packed[index >> 1] ?? 0) >> (4 * (index & 1))) & 15;
}

/** The value of largest magnitude falls on the lowest code: the scale is negative where that value is positive. */
function middleScale(lowest: number, highest: number, bits: number): [number, number] {
  const middle = 2 ** (bits - 1);
  const extreme = Math.abs(highest) > Math.abs(lowest) ? highest : lowest;
  return [Math.fround(extreme / -middle), middle];
}

function spanningScale(lowest: number, highest: number, top: number): [number, number] {
  const low = Math.min(lowest, 0);
  const scale = Math.fround(Math.fround(Math.max(highest, 0) - low) / top);
  const zero = scale === 0 ? low : Math.fround(-Math.fround(low / scale));
  return [scale, clamp(roundHalfAway(zero), top)];
}

/** C's `roundf`. */
function roundHalfAway(value: number): number {
  return value < 0 ? -Math.floor(0.5 - value) : Math.floor(value + 0.5);
}

function clamp(code: number, top: number): number {
  return Math.min(Math.max(code, 0), top);
}
