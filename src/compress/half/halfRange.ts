import type { NodeProto } from 'onnx-buf';
import { isOp } from '../../onnx/graph/node.js';
import type { Dtype } from '../../onnx/tensor/dtype.js';

/**
 * What is known of the size of a value's numbers. `regular`: those of data between the layers of a network, for which
 * half precision is made. `wide`: counts, powers, sums and what guards against division by zero, which may leave its range
 * (6e-8 to 65,504) at either end. This is how PyTorch's autocast divides operators ("CUDA Ops that can autocast to
 * float32", torch.amp), told of values instead.
 */
export type Range = 'regular' | 'wide';

/** Operators whose result is bounded or normalised, whatever they read. */
const BOUNDED: ReadonlySet<string> = new Set([
  ...['Tanh', 'Sigmoid', 'HardSigmoid', 'Softsign', 'Sin', 'Cos', 'Asin', 'Acos', 'Atan', 'Erf', 'Sign'],
  ...['Softmax', 'LogSoftmax', 'Hardmax', 'Log', 'ReduceLogSumExp', 'ReduceLogSum'],
  ...['LayerNormalization', 'InstanceNormalization', 'GroupNormalization', 'RMSNormalization', 'BatchNormalization'],
  ...['LpNormalization', 'MeanVarianceNormalization', 'LRN', 'LSTM', 'GRU', 'RNN'],
]);

/** Operators whose result may be wide, whatever they read. */
const WIDENING: ReadonlySet<string> = new Set([
  ...['Exp', 'Pow', 'Reciprocal', 'Sinh', 'Cosh', 'Tan', 'Det', 'Range', 'CumSum', 'CumProd'],
  ...['ReduceSum', 'ReduceSumSquare', 'ReduceL1', 'ReduceL2', 'ReduceProd', 'DynamicQuantizeLinear'],
]);

/** Operators that bring a wide number back to the size of a regular one that they read, too. */
const SCALING: ReadonlySet<string> = new Set(['Mul', 'MatMul', 'Gemm', 'Einsum']);

/** Integers of so few bits are regular as numbers; others count or name something. */
const SMALL: ReadonlySet<Dtype> = new Set<Dtype>([
  ...(['bool', 'uint8', 'int8', 'uint4', 'int4', 'uint2', 'int2'] as const),
  ...(['float16', 'bfloat16', 'float64'] as const),
]);

/** What a node reads. */
export interface Read {
  readonly node: NodeProto;
  /** Types of its inputs. */
  readonly types: readonly (Dtype | undefined)[];
  /** Ranges of its inputs; none for constants and what is made of constants alone. */
  readonly ranges: readonly (Range | undefined)[];
  /** Whether it reads nothing but constants. */
  readonly constant: boolean;
  /** Whether it reads a constant that half precision does not hold. */
  readonly unfit: boolean;
}

/** Range of what a node gives, or none where that is made of constants alone. */
export function outputRange({ node, types, ranges, constant, unfit }: Read): Range | undefined {
  const { opType } = node;
  const known = ranges.filter((range) => range !== undefined);
  // Batch normalisation divides by a deviation that was stored, not by that of what it reads: one too small for half precision
  // makes large numbers, and large numbers stay large.
  const stored = opType === 'BatchNormalization' && (unfit || known.includes('wide'));
  const bounded = BOUNDED.has(opType) && !stored;
  if (bounded) return known.length > 0 || !constant ? 'regular' : undefined;
  if (WIDENING.has(opType) || unfit) return 'wide';
  if (known.length === 0) {
    if (constant) return undefined;
    const [type] = types;
    const casts = opType === 'Cast' || opType === 'CastLike';
    return casts && type !== undefined && type !== 'float32' && !SMALL.has(type) ? 'wide' : 'regular';
  }
  if (isSquare(node)) return 'wide';
  if (opType === 'Div') {
    const [over, under] = ranges;
    if (over === undefined) return 'wide';
    return under === 'wide' ? 'regular' : over;
  }
  const wide = SCALING.has(opType) ? known.every((range) => range === 'wide') : known.includes('wide');
  return wide ? 'wide' : 'regular';
}

/** A number times itself, as exporters write the power. */
function isSquare(node: NodeProto): boolean {
  return isOp(node, 'Mul') && node.input[0] === node.input[1];
}
