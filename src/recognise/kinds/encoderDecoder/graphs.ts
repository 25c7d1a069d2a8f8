import type { Tensor } from '../../../runtime.js';
import type { ModelSession } from '../../session/modelSession.js';

/** A graph that runs: a session, or what stands before one. */
export type RunnableGraph = Pick<ModelSession, 'path' | 'inputs' | 'outputs' | 'run' | 'release'>;

/** What the decoder reads of recordings that were encoded together. */
export interface Encoded {
  /** Recordings. */
  readonly count: number;
  /** By the decoder's input; the first axis is the recordings. */
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** A transcript on the way: what the decoder keeps of the tokens that it has read. */
export interface DecoderState {
  readonly encoded: Encoded;
  /** Tokens read so far. */
  readonly length: number;
  /** Keys and values, by the decoder's input. */
  readonly past: Readonly<Record<string, Tensor>>;
}

/** What a step gives. */
export interface DecoderStep {
  /** Row-major, shape [recordings, positions read, vocabulary]. */
  readonly logits: Float32Array;
  /** The logarithm of the sum of each row's exponentials, where the graph gives it. */
  readonly logSums: Float32Array | undefined;
  readonly state: DecoderState;
}

/** The graphs of an encoder–decoder, whatever they are called and however they are split. */
export interface SpeechGraphs {
  /** Frames of every window, where the encoder fixes them. */
  readonly fixedFrames: number | undefined;
  /** Size of a row of logits. */
  readonly vocabulary: number;
  /**
   * Hears recordings.
   *
   * @param mel - row-major, shape [recordings, bins, frames]
   */
  encode(mel: Float32Array, shape: readonly [count: number, bins: number, frames: number]): Promise<Encoded>;
  /** The state before the first token. */
  begin(encoded: Encoded): DecoderState;
  /**
   * Reads tokens.
   *
   * @param tokens - of each recording, equally many
   * @param read - which of them get logits, by their place among these tokens, from 0
   */
  step(tokens: readonly (readonly number[])[], state: DecoderState, read: readonly number[]): Promise<DecoderStep>;
  /** Frees the sessions. */
  release(): Promise<void>;
}
