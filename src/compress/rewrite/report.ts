import type { Dtype } from '../../onnx/tensor/dtype.js';

/** What shares a scale: the whole tensor, each direction of a recurrent layer, each output channel, or a block of rows of a channel. */
export type Granularity = 'tensor' | 'direction' | 'channel' | 'block';

/**
 * Why something stays in float, for programs; the sentence for people stands beside it.
 *
 * - `no-form`: the technique has no form of the operator
 * - `not-asked`: it has one, but the options leave the operator out
 * - `excluded`: the options exclude the node, or ask for float
 * - `kept`: a bias, a state or peepholes, which stay float on purpose
 * - `no-weight`: the node reads no weight to begin with
 * - `not-constant`: the weight is computed at run time
 * - `type`: the weight is of a type that the technique does not take
 * - `form`: the node has attributes, inputs or shapes that the technique has no form of
 * - `values`: the weight's numbers have no form in fewer bits, such as NaN
 * - `shared`: others read the weight in float
 * - `uncalibrated`: calibration has no range of what the node reads
 * - `larger`: the model would become larger
 * - `unread`: no node reads the weight
 */
export type LeftCause =
  | 'no-form'
  | 'not-asked'
  | 'excluded'
  | 'kept'
  | 'no-weight'
  | 'not-constant'
  | 'type'
  | 'form'
  | 'values'
  | 'shared'
  | 'uncalibrated'
  | 'larger'
  | 'unread';

/** Whether a cause says no more than that a technique was not meant for the operator. */
export function isUnmeant(cause: LeftCause): boolean {
  return cause === 'no-form' || cause === 'not-asked';
}

/** A weight that was made smaller. */
export interface CompressedWeight {
  /** Name in the original model. */
  readonly name: string;
  /** Node that uses it: its name, or type and output. */
  readonly node: string;
  readonly opType: string;
  readonly shape: readonly number[];
  readonly from: Dtype;
  readonly to: Dtype;
  readonly granularity: Granularity;
  readonly sizeBytesBefore: number;
  /** With its scales and zero points. */
  readonly sizeBytesAfter: number;
  /** Name in the new model, where a later step may find it and make it smaller still. Default: its name in the original one. */
  readonly storedAs?: string;
  /** Of the weight itself, in decibels; `null` where nothing was lost. */
  readonly signalToErrorDb: number | null;
}

/** A floating-point weight that was left as it was, and why. */
export interface LeftWeight {
  readonly name: string;
  /** Node that uses it. */
  readonly node: string;
  readonly opType: string;
  readonly shape: readonly number[];
  readonly dtype: Dtype;
  readonly sizeBytes: number;
  readonly cause: LeftCause;
  readonly reason: string;
}

/** Whether a weight that was left is a matrix or a kernel, not a bias, a norm or a state: those stay float on purpose. */
export function isMatrix({ shape, cause }: Pick<LeftWeight, 'shape' | 'cause'>): boolean {
  return shape.filter((dim) => dim > 1).length > 1 && cause !== 'kept';
}

/** A node that computes in float although its type was asked for, and why. */
export interface LeftNode {
  readonly node: string;
  readonly opType: string;
  readonly cause: LeftCause;
  readonly reason: string;
}

/** What a transform did to a model. */
export interface CompressionReport {
  readonly transform: string;
  readonly compressed: readonly CompressedWeight[];
  readonly leftWeights: readonly LeftWeight[];
  readonly leftNodes: readonly LeftNode[];
  /** Nodes that were replaced, by their former type. */
  readonly replacedNodes: Readonly<Record<string, number>>;
  /** Bytes of floating-point weights before, and of what they became. */
  readonly weightBytesBefore: number;
  readonly weightBytesAfter: number;
  /** Changes of the model as a whole, such as a raised operator set. */
  readonly notes: readonly string[];
}

/** Bytes of floating-point weights before, and of what they became: of weights that were left, and of those made smaller. */
export function weightBytes(
  compressed: readonly CompressedWeight[],
  left: readonly LeftWeight[],
): Pick<CompressionReport, 'weightBytesBefore' | 'weightBytesAfter'> {
  const sum = (sizes: Iterable<number>): number => [...sizes].reduce((total, size) => total + size, 0);
  const leftBytes = sum(left.map((weight) => weight.sizeBytes));
  const leftNames = new Set(left.map((weight) => weight.name));
  // A node may have had a weight cut into pieces; what several nodes read in forms of their own was there once.
  const gone = new Map<string, Map<string, number>>();
  for (const { name, node, sizeBytesBefore } of compressed) {
    if (leftNames.has(name)) continue;
    const nodes = gone.get(name) ?? new Map<string, number>();
    gone.set(name, nodes.set(node, (nodes.get(node) ?? 0) + sizeBytesBefore));
  }
  return {
    weightBytesBefore: sum([...gone.values()].map((nodes) => Math.max(...nodes.values()))) + leftBytes,
    weightBytesAfter: sum(compressed.map((weight) => weight.sizeBytesAfter)) + leftBytes,
  };
}
