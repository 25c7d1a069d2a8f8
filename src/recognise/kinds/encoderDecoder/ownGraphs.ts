import { Tensor } from '../../../runtime.js';
import { type GraphValue, requireNames } from '../../session/modelSession.js';
import type { DecoderState, DecoderStep, Encoded, RunnableGraph, SpeechGraphs } from './graphs.js';
import { fixedSize, integers, logitsOf, namesOf, requireSize, taken } from './graphTensors.js';

/**
 * The layout that quantlab writes: an encoder that gives the keys and values of every decoder layer, and one decoder, with and
 * without a past.
 *
 * Tensors go from run to run as the runtime gave them: nothing here copies a key or a value.
 */
export class OwnGraphs implements SpeechGraphs {
  readonly fixedFrames: number | undefined;
  readonly vocabulary: number;
  readonly #encoder: RunnableGraph;
  readonly #decoder: RunnableGraph;
  readonly #crossed: readonly string[];
  readonly #past: readonly GraphValue[];

  /** @throws {InputError} when inputs or outputs are missing, or the two graphs are not of one model */
  constructor(encoder: RunnableGraph, decoder: RunnableGraph) {
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.#crossed = namesOf(decoder.inputs, /^cross_(key|value)_\d+$/);
    this.#past = decoder.inputs.filter(({ name }) => /^past_(key|value)_\d+$/.test(name));
    requireNames(encoder.path, 'inputs', encoder.inputs, ['mel']);
    requireNames(encoder.path, 'outputs', encoder.outputs, this.#crossed);
    requireNames(decoder.path, 'inputs', decoder.inputs, ['tokens', 'read', 'cross_key_0', 'past_key_0']);
    requireNames(decoder.path, 'outputs', decoder.outputs, [
      'logits',
      ...this.#past.map(({ name }) => presentOf(name)),
    ]);
    this.fixedFrames = fixedSize(
      encoder.inputs.find(({ name }) => name === 'mel'),
      2,
    );
    const logits = decoder.outputs.find(({ name }) => name === 'logits');
    this.vocabulary = requireSize(decoder.path, logits, 2);
    for (const value of this.#past) {
      requireSize(decoder.path, value, 1);
      requireSize(decoder.path, value, 3);
    }
  }

  async encode(mel: Float32Array, shape: readonly [number, number, number]): Promise<Encoded> {
    const outputs = await this.#encoder.run({ mel: new Tensor('float32', mel, shape) }, this.#crossed);
    return { count: shape[0], tensors: taken(outputs, this.#crossed) };
  }

  begin(encoded: Encoded): DecoderState {
    const past = this.#past.map((value): [string, Tensor] => {
      const [, heads, , size] = value.shape as number[];
      return [
        value.name,
        new Tensor('float32', new Float32Array(0), [encoded.count, heads as number, 0, size as number]),
      ];
    });
    return { encoded, length: 0, past: Object.fromEntries(past) };
  }

  async step(
    tokens: readonly (readonly number[])[],
    state: DecoderState,
    read: readonly number[],
  ): Promise<DecoderStep> {
    const { encoded, length, past } = state;
    const fresh = tokens[0]?.length ?? 0;
    const outputs = await this.#decoder.run({
      tokens: integers(tokens.flat(), [tokens.length, fresh]),
      read: integers(read, [read.length]),
      ...past,
      ...encoded.tensors,
    });
    const kept = this.#past.map(({ name }): [string, Tensor] => [name, outputs[presentOf(name)] as Tensor]);
    return {
      logits: logitsOf(this.#decoder.path, outputs),
      logSums: outputs['log_sum']?.data as Float32Array | undefined,
      state: { encoded, length: length + fresh, past: Object.fromEntries(kept) },
    };
  }

  async release(): Promise<void> {
    await this.#encoder.release();
    await this.#decoder.release();
  }
}

const presentOf = (past: string): string => past.replace('past', 'present');
