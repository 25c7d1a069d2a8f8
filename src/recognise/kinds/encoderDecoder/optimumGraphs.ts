import { InputError } from '../../../errors.js';
import { Tensor } from '../../../runtime.js';
import { type GraphValue, requireNames } from '../../session/modelSession.js';
import type { DecoderState, DecoderStep, Encoded, RunnableGraph, SpeechGraphs } from './graphs.js';
import { fixedSize, integers, logitsOf, requireSize } from './graphTensors.js';

const HEARD = 'encoder_hidden_states';
const BRANCH = 'use_cache_branch';
const PAST = /^past_key_values\.\d+\.(decoder|encoder)\.(key|value)$/;

/**
 * The layout of Optimum and transformers.js: an encoder that gives what it heard, and decoders that compute keys and values of
 * that in their first step and hand them on.
 */
export class OptimumGraphs implements SpeechGraphs {
  readonly fixedFrames: number | undefined;
  readonly vocabulary: number;
  readonly #encoder: RunnableGraph;
  readonly #first: RunnableGraph;
  readonly #next: RunnableGraph;
  readonly #past: readonly GraphValue[];

  /**
   * @param encoder - the first graph
   * @param first - the decoder of the first step
   * @param next - the decoder of all others; the same session where both were merged into one graph
   * @throws {InputError} when inputs or outputs are missing
   */
  constructor(encoder: RunnableGraph, first: RunnableGraph, next: RunnableGraph) {
    this.#encoder = encoder;
    this.#first = first;
    this.#next = next;
    this.#past = this.#next.inputs.filter(({ name }) => PAST.test(name));
    requireNames(encoder.path, 'inputs', encoder.inputs, ['input_features']);
    requireNames(encoder.path, 'outputs', encoder.outputs, ['last_hidden_state']);
    requireNames(this.#first.path, 'inputs', this.#first.inputs, ['input_ids', HEARD]);
    requireNames(this.#next.path, 'inputs', this.#next.inputs, ['input_ids', 'past_key_values.0.decoder.key']);
    const presents = this.#past.map(({ name }) => presentOf(name));
    requireNames(this.#first.path, 'outputs', this.#first.outputs, ['logits', ...presents]);
    if (this.#takes(this.#next, BRANCH)) {
      for (const value of this.#past) for (const axis of [1, 3]) requireSize(this.#next.path, value, axis);
    }
    // The position table is added whole: the window cannot be shorter, whatever the graph's axes are called.
    this.fixedFrames =
      fixedSize(
        encoder.inputs.find(({ name }) => name === 'input_features'),
        2,
      ) ?? WINDOW_FRAMES;
    const logits = this.#first.outputs.find(({ name }) => name === 'logits');
    this.vocabulary = requireSize(this.#first.path, logits, 2);
  }

  async encode(mel: Float32Array, shape: readonly [number, number, number]): Promise<Encoded> {
    const outputs = await this.#encoder.run({ input_features: new Tensor('float32', mel, shape) }, [
      'last_hidden_state',
    ]);
    return { count: shape[0], tensors: { [HEARD]: outputs['last_hidden_state'] as Tensor } };
  }

  begin(encoded: Encoded): DecoderState {
    return { encoded, length: 0, past: {} };
  }

  async step(
    tokens: readonly (readonly number[])[],
    state: DecoderState,
    read: readonly number[],
  ): Promise<DecoderStep> {
    const { encoded, length, past } = state;
    const fresh = tokens[0]?.length ?? 0;
    if (length > 0 && fresh !== 1) {
      throw new InputError(`${this.#next.path}: one token a step was required after the first, got ${fresh}; pass one`);
    }
    const session = length === 0 ? this.#first : this.#next;
    const outputs = await session.run(this.#feeds(session, tokens, state));
    const given = this.#past.map(({ name }): [string, Tensor] => {
      // What was heard is computed in the first step; the branch with a past gives none, or an empty one.
      const isKept = length > 0 && name.includes('.encoder.');
      return [name, (isKept ? past[name] : outputs[presentOf(name)]) as Tensor];
    });
    return {
      logits: rowsOf(logitsOf(session.path, outputs), tokens.length, fresh, this.vocabulary, read),
      logSums: undefined,
      state: { encoded, length: length + fresh, past: Object.fromEntries(given) },
    };
  }

  async release(): Promise<void> {
    await this.#encoder.release();
    await this.#first.release();
    if (this.#next !== this.#first) await this.#next.release();
  }

  #takes(session: RunnableGraph, name: string): boolean {
    return session.inputs.some((input) => input.name === name);
  }

  #feeds(session: RunnableGraph, tokens: readonly (readonly number[])[], state: DecoderState): Record<string, Tensor> {
    const { encoded, length, past } = state;
    const shape = [tokens.length, tokens[0]?.length ?? 0];
    const feeds = new Map<string, Tensor>([['input_ids', integers(tokens.flat(), shape)]]);
    if (this.#takes(session, HEARD)) feeds.set(HEARD, encoded.tensors[HEARD] as Tensor);
    if (this.#takes(session, BRANCH)) feeds.set(BRANCH, new Tensor('bool', Uint8Array.of(length === 0 ? 0 : 1), [1]));
    if (this.#takes(session, 'cache_position')) {
      const places = Array.from({ length: shape[1] as number }, (_, index) => length + index);
      feeds.set('cache_position', integers(places, [places.length]));
    }
    for (const value of this.#past) {
      if (this.#takes(session, value.name)) feeds.set(value.name, past[value.name] ?? nothing(value, tokens.length));
    }
    return Object.fromEntries(feeds);
  }
}

/** 30 s of a frame each 10 ms. */
const WINDOW_FRAMES = 3000;

const presentOf = (past: string): string => past.replace('past_key_values', 'present');

/** A merged graph wants a past before there is one. */
function nothing({ shape }: GraphValue, count: number): Tensor {
  return new Tensor('float32', new Float32Array(0), [count, shape[1] as number, 0, shape[3] as number]);
}

/** Some positions of logits [recordings, positions, vocabulary]; a view where they are all, or the last of one recording. */
function rowsOf(
  logits: Float32Array,
  count: number,
  positions: number,
  vocabulary: number,
  read: readonly number[],
): Float32Array {
  if (read.length === positions) return logits;
  const rows = new Float32Array(count * read.length * vocabulary);
  for (let index = 0, to = 0; index < count; index++) {
    for (const position of read) {
      const from = (index * positions + position) * vocabulary;
      rows.set(logits.subarray(from, from + vocabulary), to);
      to += vocabulary;
    }
  }
  return rows;
}
