import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { InputError } from '../errors.js';
import { decodeGreedy } from '../speech/ctc.js';
import { createFrontEnd, type FeatureExtractor } from '../speech/features.js';
import type { Audio, Decoding, Features } from '../speech/types.js';
import type { ModelCard } from './card.js';
import { keepOptimized } from './optimizedModel.js';
import type { ResolvedModel } from './registry.js';
import { type ExecutionProvider, openSession, type SessionOptions } from './session.js';

/** Where the time of a recognition went, in milliseconds. */
export interface Timing {
  /** From the call to the texts. */
  readonly totalMs: number;
  /** Resampling, front end, and the layout of the batch. */
  readonly featuresMs: number;
  /** The network. */
  readonly inferenceMs: number;
  /** From log-probabilities to text. */
  readonly decodingMs: number;
}

/** What was heard in one recording. */
export interface Recognition extends Decoding {
  /** Length of the recording, in seconds. */
  readonly audioS: number;
  readonly timing: Timing;
}

/** What was heard in several recordings that went through the network together. */
export interface BatchRecognition {
  /** In the order of the recordings. */
  readonly decodings: readonly Decoding[];
  /** Length of the recordings together, in seconds. */
  readonly audioS: number;
  readonly timing: Timing;
}

/** How a recognizer runs. */
export interface RecognizerOptions extends Omit<SessionOptions, 'graphOptimizationLevel' | 'optimizedModelFilePath'> {
  /** Keeps the optimised model in this folder, and loads that where it is there: see {@link keepOptimized}. Default: not kept. */
  readonly optimizedFolder?: string | undefined;
  /** Milliseconds from any fixed point. Default: `performance.now`. */
  readonly clock?: () => number;
}

/** Log-probabilities of one recording, as the network gives them. */
export interface LogProbabilities {
  /** Row-major, shape [steps, labels]. */
  readonly data: Float32Array;
  readonly steps: number;
}

/**
 * A front end, a session and a decoder: waveform in, text out. The unit of timing.
 *
 * @example
 * const recognizer = await Recognizer.load(await resolveModel('deepspeech2-starter'));
 * const { text } = await recognizer.recognize(await readAudio('goodbye.wav'));
 */
export class Recognizer {
  readonly card: ModelCard;
  readonly executionProvider: ExecutionProvider;
  readonly #session: InferenceSession;
  readonly #frontEnd: FeatureExtractor;
  readonly #clock: () => number;

  private constructor(
    card: ModelCard,
    session: InferenceSession,
    frontEnd: FeatureExtractor,
    options: RecognizerOptions,
  ) {
    this.card = card;
    this.executionProvider = options.executionProvider ?? 'cpu';
    this.#session = session;
    this.#frontEnd = frontEnd;
    this.#clock = options.clock ?? (() => performance.now());
  }

  /**
   * Loads a model.
   *
   * @throws {InputError} when the file cannot be loaded, or has not the tensors that its card names
   * @throws {UnavailableError} when the execution provider does not exist on this machine
   */
  static async load(model: ResolvedModel, options: RecognizerOptions = {}): Promise<Recognizer> {
    const { optimizedFolder, ...rest } = options;
    const kept = optimizedFolder === undefined ? null : await keepOptimized(model.path, optimizedFolder, rest);
    const session = await (kept === null || kept.state === 'not kept'
      ? openSession(model.path, rest)
      : openSession(kept.path, { ...rest, graphOptimizationLevel: 'disabled' }));
    const { features, lengths, logProbabilities, outputLengths } = model.card.tensors;
    requireNames(model.path, 'inputs', session.inputNames, [features, lengths]);
    requireNames(model.path, 'outputs', session.outputNames, [logProbabilities, outputLengths]);
    return new Recognizer(model.card, session, await createFrontEnd(model.card.frontEnd), options);
  }

  /**
   * Recognizes one recording.
   *
   * @throws {InputError} when the recording is too short for the front end
   */
  async recognize(audio: Audio): Promise<Recognition> {
    const { decodings, audioS, timing } = await this.recognizeBatch([audio]);
    return { ...(decodings[0] as Decoding), audioS, timing };
  }

  /**
   * Recognizes several recordings in one call of the network. Shorter ones are padded with zeros after the front end,
   * which changes nothing for a network that masks by length (within 1e-4 in float32).
   *
   * @throws {InputError} when there are no recordings, or one is too short for the front end
   */
  async recognizeBatch(audios: readonly Audio[]): Promise<BatchRecognition> {
    const started = this.#clock();
    const batch = layOut(audios.map((audio) => this.features(audio)));
    const featured = this.#clock();
    const outputs = await this.#infer(batch);
    const inferred = this.#clock();
    const decodings = outputs.map((output) => this.decode(output));
    const ended = this.#clock();
    return {
      decodings,
      audioS: audios.reduce((total, { samples, sampleRateHz }) => total + samples.length / sampleRateHz, 0),
      timing: {
        totalMs: ended - started,
        featuresMs: featured - started,
        inferenceMs: inferred - featured,
        decodingMs: ended - inferred,
      },
    };
  }

  /** Log-probabilities of several recordings, for decoders of one's own. */
  async logProbabilities(audios: readonly Audio[]): Promise<readonly LogProbabilities[]> {
    return await this.infer(audios.map((audio) => this.features(audio)));
  }

  /**
   * The first stage alone: what the network reads of one recording.
   *
   * @throws {InputError} when the recording is too short for the front end
   */
  features(audio: Audio): Features {
    return this.#frontEnd.compute(audio);
  }

  /**
   * The second stage alone: the network.
   *
   * @param features - of several recordings; at least one
   */
  async infer(features: readonly Features[]): Promise<readonly LogProbabilities[]> {
    return await this.#infer(layOut(features));
  }

  /** The third stage alone: the best path, as text. */
  decode({ data, steps }: LogProbabilities): Decoding {
    return tidy(decodeGreedy(data, steps, this.card.labels, this.card.blank));
  }

  /** Frees the session. */
  async release(): Promise<void> {
    await this.#session.release();
  }

  async #infer(batch: Batch): Promise<LogProbabilities[]> {
    const names = this.card.tensors;
    const outputs = await this.#session.run(
      {
        [names.features]: new Tensor('float32', batch.data, [batch.lengths.length, batch.frames, batch.bins]),
        [names.lengths]: new Tensor('int64', BigInt64Array.from(batch.lengths, BigInt), [batch.lengths.length]),
      },
      [names.logProbabilities, names.outputLengths],
    );
    const scores = outputs[names.logProbabilities];
    const steps = outputs[names.outputLengths];
    const [count, padded, labels] = scores?.dims ?? [];
    if (
      !(scores?.data instanceof Float32Array && steps?.data instanceof BigInt64Array) ||
      count !== batch.lengths.length ||
      padded === undefined ||
      labels !== this.card.labels.length
    ) {
      throw new InputError(
        `model ${this.card.id}: float32 log-probabilities of ${this.card.labels.length} labels were required, got ${scores?.type} of shape [${scores?.dims}]; mend the card`,
      );
    }
    const rows = scores.data;
    return Array.from(steps.data, (length, index) => {
      const start = index * padded * labels;
      return { data: rows.subarray(start, start + Number(length) * labels), steps: Number(length) };
    });
  }
}

/** Features of several recordings in one tensor. */
interface Batch {
  /** Row-major, shape [recordings, frames, bins]. */
  readonly data: Float32Array;
  readonly lengths: readonly number[];
  readonly frames: number;
  readonly bins: number;
}

/** Words stand one space apart: a network may well say two, or begin with one. */
function tidy({ text, logProbability }: Decoding): Decoding {
  return { text: text.trim().replace(/\s+/g, ' '), logProbability };
}

function layOut(features: readonly Features[]): Batch {
  const first = features[0];
  if (first === undefined) {
    throw new InputError('batch: at least one recording was required, got none; pass one');
  }
  const lengths = features.map(({ frames }) => frames);
  const { bins } = first;
  if (features.length === 1) return { data: first.data, lengths, frames: first.frames, bins };
  const frames = Math.max(...lengths);
  const data = new Float32Array(features.length * frames * bins);
  for (const [index, one] of features.entries()) data.set(one.data, index * frames * bins);
  return { data, lengths, frames, bins };
}

function requireNames(path: string, what: string, has: readonly string[], needs: readonly string[]): void {
  const missing = needs.filter((name) => !has.includes(name));
  if (missing.length === 0) return;
  throw new InputError(
    `${path}: ${what} named ${missing.join(' and ')} were required, got ${has.join(', ')}; mend the tensors of the card`,
  );
}
