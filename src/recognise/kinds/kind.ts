import type { z } from 'zod';
import type { Tensor } from '../../runtime.js';
import type { Audio, Decoding, Features } from '../../speech/types.js';
import type { ModelCard } from '../card/card.js';
import type { ResolvedModel } from '../model.js';
import type { Passage } from '../passage.js';
import type { LoadedGraph } from '../session/modelSession.js';
import type { ExecutionProvider, SessionOptions } from '../session/session.js';

/** Where the time of a recognition went, in milliseconds. */
export interface Timing {
  /** From the call to the texts. */
  readonly totalMs: number;
  /** Resampling, front end, and the layout of the batch. */
  readonly featuresMs: number;
  /** The network; of several, the one that reads the features. */
  readonly inferenceMs: number;
  /** From there to the text, with the networks that write it. */
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
  /** What was decoded, in the same order; of recognizers with {@link Recognizer.stages}. */
  readonly scores?: readonly Scores[] | undefined;
  /** Length of the recordings together, in seconds. */
  readonly audioS: number;
  readonly timing: Timing;
}

/** What a network says of each step of a recording, from which a decoder makes a text. */
export interface Scores {
  /** Row-major, shape [steps, classes]. */
  readonly data: Float32Array;
  readonly steps: number;
}

/** How unlikely a network finds what was said. */
export interface ReferenceLoss {
  /** Minus the natural logarithm of the text's probability. */
  readonly nats: number;
  /** Steps of the network's output. */
  readonly frames: number;
}

/** Weights of a beam search, as `quantlab lm tune` finds them. */
export interface BeamWeights {
  /** Weight of the language model's natural logarithm. */
  readonly alpha?: number | undefined;
  /** Score of each word. */
  readonly beta?: number | undefined;
  /** Added to the language model's logarithm (base 10) of an unknown word. */
  readonly unknownPenalty?: number | undefined;
  /** Texts that are kept after each step. */
  readonly beamWidth?: number | undefined;
}

/**
 * How what the network gives becomes text. It can be sent to another process. A kind of recogniser that cannot do what is asked says
 * so.
 */
export interface DecoderOptions extends BeamWeights {
  /** Best path, or the best of many texts. Default `greedy`. */
  readonly kind?: 'greedy' | 'beam' | undefined;
  /** A language model in ARPA form, plain or `.gz`; weights that are not given are read from `X.json` beside `X.arpa[.gz]`. */
  readonly languageModelPath?: string | undefined;
  /** Boosts of words that are likely here, in natural logarithms; 10 is usual. For `beam`. */
  readonly hotWords?: Readonly<Record<string, number>> | undefined;
  /** Adds when each word was said, where the kind can tell. Default false. */
  readonly wordTimes?: boolean | undefined;
  /** Code of the language that is spoken, `de`; of an encoder–decoder. Default: it finds out. */
  readonly language?: string | undefined;
  /**
   * Whether an encoder–decoder says when segments begin and end, which changes its texts a little. Default: in transcripts of files,
   * and where a recording is longer than its window.
   */
  readonly timestamps?: boolean | undefined;
  /** Whether an encoder–decoder hears doubtful texts again, at rising temperatures, as openai-whisper does. Default true. */
  readonly fallBack?: boolean | undefined;
  /**
   * Seconds of silence behind a recording that an encoder–decoder hears, in place of its whole window, in which what is doubtful is
   * heard again. Default: the whole window.
   */
  readonly marginS?: number | undefined;
}

/** What is known beforehand of one recording. */
export interface Guide {
  /** A text that leads up to it, or words that are likely in it. */
  readonly prompt?: string | undefined;
  /** Code of the language that is spoken, `de`. */
  readonly language?: string | undefined;
}

/** What is known of a decoder before it decodes. */
export interface DecoderFacts {
  /** Whether it tells when each word was said. */
  readonly tellsWords: boolean;
  /** Tells decoders apart that may give other texts, for whoever keeps results. */
  readonly key: string;
  /** What a reader should know: words that the model cannot write, a language model that does not fit it. */
  readonly warnings: readonly string[];
}

/** Turns scores into text, one recording at a time. */
export interface Decoder extends DecoderFacts {
  /**
   * The text of one recording.
   *
   * @param scores - of that recording
   */
  decode(scores: Scores): Decoding;
}

/** The three stages of a recognizer whose network runs once a recording: for caches, second decoders, and comparisons of scores. */
export interface Stages {
  /**
   * What the network reads of one recording.
   *
   * @throws {InputError} when the recording is too short for the front end
   */
  features(audio: Audio): Features;
  /**
   * The network.
   *
   * @param features - of several recordings; at least one
   */
  infer(features: readonly Features[]): Promise<readonly Scores[]>;
  /** The decoder. */
  decode(scores: Scores): Decoding;
  /**
   * Another decoder of the same scores.
   *
   * @throws {InputError} when the language model cannot be read, or an option is impossible
   */
  createDecoder(options: DecoderOptions): Promise<Decoder>;
  /**
   * How unlikely the network finds a text.
   *
   * @param text - words one space apart, without punctuation
   * @returns `null` where it cannot say the text: a letter has no class, or there are more of them than steps
   */
  lossOf(scores: Scores, text: string): ReferenceLoss | null;
}

/** How a recognizer runs. */
export interface RecognizerOptions
  extends Omit<SessionOptions, 'graphOptimizationLevel' | 'optimizedModelFilePath' | 'profilePrefix' | 'shownPath'> {
  /** Keeps the optimised model in this folder, and loads that where it is there: see `keepOptimized`. Default: not kept. */
  readonly optimizedFolder?: string | undefined;
  /** How what the network gives becomes text. Default: the best at each step. */
  readonly decoder?: DecoderOptions | undefined;
  /** Milliseconds from any fixed point. Default: `performance.now`. */
  readonly clock?: () => number;
}

/**
 * Gives what a network makes of one piece of sound, from what is kept or by computing it.
 *
 * @param window - tells windows of one sound apart: frames of it that the network reads
 * @returns tensors by name, which must not be changed
 */
export type EncodedOf = (
  sound: Audio,
  window: number,
  compute: () => Promise<Readonly<Record<string, Tensor>>>,
) => Promise<Readonly<Record<string, Tensor>>>;

/** A model that listens: waveform in, text out. The unit of timing. */
export interface Recognizer {
  readonly card: ModelCard;
  readonly executionProvider: ExecutionProvider;
  /** What a reader should know of the decoder. */
  readonly warnings: readonly string[];
  /** Tells decoders apart that may give other texts, for whoever keeps results. */
  readonly decoderKey: string;
  /** The longest recording that it hears, in seconds; `undefined` where any length will do. */
  readonly longestS: number | undefined;
  /** Its stages, where each recording passes them once. */
  readonly stages?: Stages | undefined;
  /**
   * Recognizes one recording.
   *
   * @throws {InputError} when the recording is too short for the front end
   */
  recognize(audio: Audio): Promise<Recognition>;
  /**
   * Recognizes several recordings in one call.
   *
   * @throws {InputError} when there are no recordings, or one is too short for the front end
   */
  recognizeBatch(audios: readonly Audio[]): Promise<BatchRecognition>;
  /**
   * The same networks for one recording that something is known of; it is released with this one.
   *
   * @returns itself where its kind can do nothing with that
   * @throws {InputError} when the prompt cannot be written by the model, or the language is not known to it
   */
  guided(guide: Guide): Promise<Recognizer>;
  /**
   * The same networks, whose encoder is asked only for what is not kept, of kinds that write a text from what an encoder gave; it is
   * released with this one. Pieces of sound that go through the encoder together are not kept.
   */
  readonly keeping?: ((encodedOf: EncodedOf) => Recognizer) | undefined;
  /** Hears sound of any length by itself, where its kind has windows of its own. */
  readonly passages?: ((chunks: AsyncIterable<Audio> | Iterable<Audio>) => AsyncIterable<Passage>) | undefined;
  /** Frees what the runtime holds. */
  release(): Promise<void>;
}

/** What one graph of a model reads while speech is heard: for calibrating, comparing and profiling that graph alone. */
export interface GraphFeeds {
  /**
   * The inputs of each run of the graph for one recording, in order.
   *
   * @throws {InputError} when the recording is too short for the front end
   */
  of(audio: Audio): AsyncIterable<Readonly<Record<string, Tensor>>>;
  /** Frees what it holds. */
  release(): Promise<void>;
}

/** A kind of recogniser: all that the rest of the house asks of one. A new kind is a folder with one of these, and a line in `KINDS`. */
export interface Kind<Card extends ModelCard = ModelCard, CardOnDisk = Card> {
  /** `kind` of its cards. */
  readonly name: Card['kind'];
  /** Version of its decoder; raised when it gives other texts, so that kept ones are computed anew. */
  readonly decoderVersion: number;
  /** Its cards, as they are on disk; unknown fields are refused, so that a misspelt one is found. */
  readonly schema: z.ZodType<CardOnDisk>;
  /** Names of files beside the card that it names without a checksum. */
  filesBeside(card: CardOnDisk): readonly string[];
  /**
   * Fills in what stands in files beside the card.
   *
   * @param path - of the card
   * @throws {InputError} when such a file is missing or bad
   */
  complete(card: CardOnDisk, path: string): Promise<Card>;
  /** What of a card, besides the front end, the scores depend on, and what the text does; for keys of kept results. */
  dependencies(card: Card): { readonly scores: readonly unknown[]; readonly text: readonly unknown[] };
  /**
   * Loads a model.
   *
   * @throws {InputError} when a file cannot be loaded, or its tensors are not those that its card describes
   * @throws {UnavailableError} when the execution provider does not exist on this machine
   */
  load(model: ResolvedModel & { readonly card: Card }, options: RecognizerOptions): Promise<Recognizer>;
  /**
   * What is known of a decoder without a model that is loaded.
   *
   * @throws {InputError} when the kind has no such decoder, or a file of it cannot be read
   */
  describeDecoder(card: Card, options: DecoderOptions): Promise<DecoderFacts>;
  /**
   * What one graph reads while speech is heard.
   *
   * @param model - all of whose other graphs are as they are
   * @param graph - its name in the card
   * @param loaded - the graph, or one that was made from it
   * @throws {InputError} when the graph has not the tensors that the card names
   */
  openFeeds(model: ResolvedModel & { readonly card: Card }, graph: string, loaded: LoadedGraph): Promise<GraphFeeds>;
  /** The output by which a graph that was changed is judged. */
  judgedOutput(card: Card, graph: string): string;
}
