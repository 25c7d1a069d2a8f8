import type { Dtype } from '../../onnx/tensor/dtype.js';

/** What shares a scale: the whole tensor, each direction of a recurrent layer, each output channel, or a block of rows of a channel. */
export type Granularity = 'tensor' | 'direction' | 'channel' | 'block';

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
  readonly reason: string;
}

/** A node that computes in float although its type was asked for, and why. */
export interface LeftNode {
  readonly node: string;
  readonly opType: string;
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
