import { createFrontEnd, type FeatureExtractor } from '../speech/features/features.js';
import type { Audio, Decoding, Features } from '../speech/types.js';
import type { ModelCard } from './card/card.js';
import { createDecoder, type Decoder, type DecoderOptions } from './decoder.js';
import type { ResolvedModel } from './registry/registry.js';
import { GraphTensors } from './session/graphTensors.js';
import type { ModelSession } from './session/modelSession.js';
import { keepOptimized } from './session/optimizedModel.js';
import type { LogProbabilities } from './session/outputTensors.js';
import { type ExecutionProvider, openSession, type SessionOptions } from './session/session.js';

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
  /** What was decoded, in the same order. */
  readonly scores: readonly LogProbabilities[];
  /** Length of the recordings together, in seconds. */
  readonly audioS: number;
  readonly timing: Timing;
}

/** How a recognizer runs. */
export interface RecognizerOptions
  extends Omit<SessionOptions, 'graphOptimizationLevel' | 'optimizedModelFilePath' | 'profilePrefix' | 'shownPath'> {
  /** Keeps the optimised model in this folder, and loads that where it is there: see `keepOptimized`. Default: not kept. */
  readonly optimizedFolder?: string | undefined;
  /** How log-probabilities become text. Default: best path. */
  readonly decoder?: DecoderOptions | undefined;
  /** Milliseconds from any fixed point. Default: `performance.now`. */
  readonly clock?: () => number;
}

export type { LogProbabilities } from './session/outputTensors.js';

/**
 * A front end, a session and a decoder: waveform in, text out. The unit of timing.
 *
 * @example
 * const recognizer = await Recognizer.load(await resolveModel('deepspeech2-lstm'));
 * const { text } = await recognizer.recognize(await readAudio('goodbye.wav'));
 */
export class Recognizer {
  readonly card: ModelCard;
  readonly executionProvider: ExecutionProvider;
  readonly #session: ModelSession;
  readonly #tensors: GraphTensors;
  readonly #frontEnd: FeatureExtractor;
  readonly #decoder: Decoder;
  readonly #clock: () => number;

  private constructor(
    card: ModelCard,
    session: ModelSession,
    tensors: GraphTensors,
    frontEnd: FeatureExtractor,
    decoder: Decoder,
    options: RecognizerOptions,
  ) {
    this.card = card;
    this.#decoder = decoder;
    this.executionProvider = options.executionProvider ?? 'cpu';
    this.#session = session;
    this.#tensors = tensors;
    this.#frontEnd = frontEnd;
    this.#clock = options.clock ?? (() => performance.now());
  }

  /**
   * Loads a model.
   *
   * @throws {InputError} when the file cannot be loaded, or its tensors are not those that its card describes
   * @throws {UnavailableError} when the execution provider does not exist on this machine
   */
  static async load(model: ResolvedModel, options: RecognizerOptions = {}): Promise<Recognizer> {
    const { optimizedFolder, decoder, ...rest } = options;
    const kept = optimizedFolder === undefined ? null : await keepOptimized(model.path, optimizedFolder, rest);
    const session = await (kept === null || kept.state === 'not kept'
      ? openSession(model.path, rest)
      : openSession(kept.path, { ...rest, graphOptimizationLevel: 'disabled', shownPath: model.path }));
    try {
      const tensors = new GraphTensors(model.card, session);
      const frontEnd = await createFrontEnd(model.card.frontEnd);
      const decode = await createDecoder(model.card, decoder);
      return new Recognizer(model.card, session, tensors, frontEnd, decode, options);
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  /** What a reader should know of the decoder: words that the model cannot write, a language model that does not fit it. */
  get warnings(): readonly string[] {
    return this.#decoder.warnings;
  }

  /** Tells decoders apart that may give other texts, for whoever keeps results. */
  get decoderKey(): string {
    return this.#decoder.key;
  }

  /** The longest recording that the graph hears, in seconds; `undefined` where any length will do. */
  get longestS(): number | undefined {
    return this.#tensors.longestS;
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
   * which changes nothing for a network that masks by length (within 1e-4 in float32). A graph that cannot tell them apart
   * hears them one after the other.
   *
   * @throws {InputError} when there are no recordings, or one is too short for the front end
   */
  async recognizeBatch(audios: readonly Audio[]): Promise<BatchRecognition> {
    const started = this.#clock();
    const features = audios.map((audio) => this.features(audio));
    const featured = this.#clock();
    const scores = await this.infer(features);
    const inferred = this.#clock();
    const decodings = scores.map((one) => this.decode(one));
    const ended = this.#clock();
    return {
      decodings,
      scores,
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
    if (this.#tensors.takesBatches || features.length <= 1) return await this.#infer(features);
    const outputs: LogProbabilities[] = [];
    for (const one of features) outputs.push(...(await this.#infer([one])));
    return outputs;
  }

  /** The third stage alone: the decoder. */
  decode(scores: LogProbabilities): Decoding {
    return this.#decoder.decode(scores);
  }

  /** Frees the session. */
  async release(): Promise<void> {
    await this.#session.release();
  }

  async #infer(features: readonly Features[]): Promise<LogProbabilities[]> {
    const outputs = await this.#session.run(this.#tensors.feeds(features), this.#tensors.outputs);
    return this.#tensors.read(
      outputs,
      features.map(({ frames }) => frames),
    );
  }
}
