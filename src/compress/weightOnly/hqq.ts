import { roundHalfToEven } from '../numbers/rounding.js';
import { type BlockMatrix, type BlockOptions, checkBlocks, packRows } from './blocks.js';

/** The solver's constants, those of the paper's authors: norm, weight of the penalty and its growth, steps. */
const NORM = 0.7;
const PENALTY = 10;
const PENALTY_GROWTH = 1.01;
const STEPS = 20;

/**
 * Quantizes a matrix block by block with half-quadratic quantization (Badri and Shaji 2023): scales span each block, and
 * the zero points, which are floats, are moved so that the ℓ₀.₇ norm of the error shrinks: large weights may err more.
 * Follows ONNX Runtime 1.31's `HQQWeightOnlyQuantizer` but for the rounding of sums.
 *
 * @param weights - [rows, columns], row-major
 * @throws {InputError} when an option or a weight is not what is required
 */
export function quantizeBlocksHqq(
  weights: Float32Array,
  rows: number,
  columns: number,
  options: Omit<BlockOptions, 'symmetric'>,
): BlockMatrix {
  checkBlocks(weights, rows, columns, { ...options, symmetric: false });
  const { bits, blockSize } = options;
  const top = 2 ** bits - 1;
  const blocks = Math.ceil(rows / blockSize);
  // Blocks in rows, the last of each column filled up with zeros as there.
  const values = new Float32Array(columns * blocks * blockSize);
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++) {
      values[column * blocks * blockSize + row] = weights[row * columns + column] ?? 0;
    }
  }
  const count = columns * blocks;
  const inverse = new Float32Array(count);
  const zeros = new Float32Array(count);
  for (let block = 0; block < count; block++) {
    const part = values.subarray(block * blockSize, (block + 1) * blockSize);
    let lowest = part[0] ?? 0;
    let highest = lowest;
    for (const value of part) {
      if (value < lowest) lowest = value;
      if (value > highest) highest = value;
    }
    const span = Math.fround(highest - lowest);
    // PyTorch divides a number by a tensor in two steps, a reciprocal and a product.
    inverse[block] = Math.min(Math.fround(top * Math.fround(1 / (span === 0 ? top : span))), 2e4);
    zeros[block] = roundHalfToEven(Math.fround(-lowest * (inverse[block] ?? 1)));
  }
  solveZeroPoints(values, inverse, zeros, blockSize, top);
  const codes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const block = Math.floor(i / blockSize);
    codes[i] = codeOf(values[i] ?? 0, inverse[block] ?? 1, zeros[block] ?? 0, top);
  }
  const scales = inverse.map((value) => 1 / value);
  const packed = packRows(codes, 1, codes.length, bits);
  return { rows, columns, bits, blockSize, packed, scales, zeroPoints: zeros };
}

/** Moves the zero points until the mean error of the whole matrix stops shrinking. */
function solveZeroPoints(
  values: Float32Array,
  inverse: Float32Array,
  zeros: Float32Array,
  blockSize: number,
  top: number,
): void {
  let penalty = PENALTY;
  let least = 1e4;
  for (let step = 0; step < STEPS; step++) {
    let error = 0;
    for (let block = 0; block < zeros.length; block++) {
      const scale = inverse[block] ?? 1;
      const zero = zeros[block] ?? 0;
      let sum = 0;
      for (let i = block * blockSize; i < (block + 1) * blockSize; i++) {
        const value = values[i] ?? 0;
        const code = codeOf(value, scale, zero, top);
        const lost = Math.fround(value - Math.fround(Math.fround(code - zero) / scale));
        error += Math.abs(lost);
        sum += code - (value - shrunk(lost, penalty)) * scale;
      }
      zeros[block] = sum / blockSize;
    }
    penalty *= PENALTY_GROWTH;
    error /= values.length;
    // As there: the zero points of the step that did not help are kept.
    if (error >= least) return;
    least = error;
  }
}

/** The proximal operator of the norm: small errors become none. */
function shrunk(lost: number, penalty: number): number {
  const magnitude = Math.abs(lost) - (Math.abs(lost) + 1e-8) ** (NORM - 1) / penalty;
  return magnitude > 0 ? Math.sign(lost) * magnitude : 0;
}

function codeOf(value: number, inverse: number, zero: number, top: number): number {
  return Math.min(Math.max(roundHalfToEven(Math.fround(Math.fround(value * inverse) + zero)), 0), top);
}
