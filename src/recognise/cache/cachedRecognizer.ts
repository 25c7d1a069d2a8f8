import { createHash } from 'node:crypto';
import { InputError } from '../../errors.js';
import { sha256OfBytes, sha256OfFile } from '../../files.js';
import { env } from '../../runtime.js';
import { DECODER_VERSION } from '../../speech/decode/ctc.js';
import { FEATURES_VERSION } from '../../speech/features/features.js';
import type { Audio, Decoding, Features } from '../../speech/types.js';
import type { LogProbabilities, Recognition, Recognizer } from '../recognizer.js';
import type { ResolvedModel } from '../registry/registry.js';
import type { SessionOptions } from '../session/session.js';
import type { ResultCache, ResultPlace } from './resultCache.js';

/** Results that may be kept, in the order in which they come about. */
export type ResultKind = 'features' | 'log-probabilities' | 'transcript';

/** Names of {@link ResultKind}s. */
export const RESULT_KINDS: readonly ResultKind[] = ['features', 'log-probabilities', 'transcript'];

/**
 * What is kept where nothing else is said. Not features: they are 11 times the size of the log-probabilities of the shipped model,
 * and making them is a few per cent of the work (`quantlab caching`).
 */
export const KEPT_KINDS: readonly ResultKind[] = ['log-probabilities', 'transcript'];

/** How results are told apart, and which are kept. */
export interface CachedRecognizerOptions {
  /** Default: `KEPT_KINDS`. */
  readonly kinds?: readonly ResultKind[] | undefined;
  /** With which the recognizer was loaded: other options may give other numbers. */
  readonly session?: Pick<SessionOptions, 'executionProvider' | 'threads'>;
  /** SHA-256 of the model's file. Default: computed. */
  readonly modelSha256?: string;
  /** Versions of the code, for tests. */
  readonly versions?: { readonly features: number; readonly decoder: number; readonly runtime: string };
  /** Milliseconds from any fixed point. Default: `performance.now`. */
  readonly clock?: () => number;
}

/** What was heard, and how much of that was known before. */
export interface CachedRecognition extends Recognition {
  /** The furthest result that was kept; `null` when everything was computed. */
  readonly kept: { readonly kind: ResultKind; readonly place: ResultPlace } | null;
}

/**
 * A recognizer that keeps its results: hears a recording that it has heard before without running the network.
 *
 * Every key is a SHA-256 of all that the result depends on: samples and rate, front end and its version; for log-probabilities also
 * model, runtime, execution provider and threads; for transcripts also the labels and the decoder. Whatever changes, the old result is
 * not found, and leaves when room is needed.
 */
export class CachedRecognizer {
  readonly #recognizer: Recognizer;
  readonly #cache: ResultCache;
  readonly #kinds: ReadonlySet<ResultKind>;
  readonly #bases: Readonly<Record<ResultKind, string>>;
  readonly #clock: () => number;

  private constructor(
    recognizer: Recognizer,
    cache: ResultCache,
    bases: Readonly<Record<ResultKind, string>>,
    options: CachedRecognizerOptions,
  ) {
    this.#recognizer = recognizer;
    this.#cache = cache;
    this.#kinds = new Set(options.kinds ?? KEPT_KINDS);
    this.#bases = bases;
    this.#clock = options.clock ?? (() => performance.now());
  }

  /**
   * Puts a cache before a recognizer.
   *
   * @param recognizer - who computes what is not kept
   * @param model - as it was loaded
   * @throws {InputError} when a kind of results is not known, or the model's file cannot be read
   */
  static async create(
    recognizer: Recognizer,
    model: ResolvedModel,
    cache: ResultCache,
    options: CachedRecognizerOptions = {},
  ): Promise<CachedRecognizer> {
    const unknown = options.kinds?.find((kind) => !RESULT_KINDS.includes(kind));
    if (unknown !== undefined) {
      throw new InputError(`result cache: ${RESULT_KINDS.join(', ')} were required, got ${unknown}; choose of them`);
    }
    const modelSha256 = options.modelSha256 ?? (await sha256OfFile(model.path));
    return new CachedRecognizer(
      recognizer,
      cache,
      resultKeyBases(model, modelSha256, options, recognizer.decoderKey),
      options,
    );
  }

  /** The longest recording that it hears, in seconds; `undefined` where any length will do. */
  get longestS(): number | undefined {
    return this.#recognizer.longestS;
  }

  /**
   * Recognizes one recording, from what is kept as far as that goes.
   *
   * @throws {InputError} when the recording is too short for the front end
   */
  async recognize(audio: Audio): Promise<CachedRecognition> {
    const started = this.#clock();
    const content = contentOf(audio);
    const audioS = audio.samples.length / audio.sampleRateHz;
    const transcript = await this.#find('transcript', content, readDecoding);
    if (transcript !== undefined) {
      const totalMs = this.#clock() - started;
      const timing = { totalMs, featuresMs: 0, inferenceMs: 0, decodingMs: totalMs };
      return { ...transcript.value, audioS, timing, kept: transcript.kept };
    }
    const scores = await this.#find('log-probabilities', content, readScores);
    const features = scores === undefined ? await this.#features(audio, content) : undefined;
    const featured = this.#clock();
    const output = scores?.value ?? (await this.#infer(content, features?.value));
    const inferred = this.#clock();
    const decoding = this.#recognizer.decode(output);
    await this.#keep('transcript', content, () => Buffer.from(JSON.stringify(decoding)));
    const ended = this.#clock();
    return {
      ...decoding,
      audioS,
      timing: {
        totalMs: ended - started,
        featuresMs: featured - started,
        inferenceMs: inferred - featured,
        decodingMs: ended - inferred,
      },
      kept: scores?.kept ?? features?.kept ?? null,
    };
  }

  async #features(audio: Audio, content: string): Promise<Found<Features>> {
    const found = await this.#find('features', content, readFeatures);
    if (found !== undefined) return found;
    const value = this.#recognizer.features(audio);
    await this.#keep('features', content, () => floatsWithCount(value.data, value.frames));
    return { value, kept: null };
  }

  async #infer(content: string, features: Features | undefined): Promise<LogProbabilities> {
    const [output] = await this.#recognizer.infer(features === undefined ? [] : [features]);
    if (output === undefined) throw new Error('a network of one recording gave no output');
    await this.#keep('log-probabilities', content, () => floatsWithCount(output.data, output.steps));
    return output;
  }

  async #find<T>(kind: ResultKind, content: string, read: (bytes: Uint8Array) => T): Promise<Found<T> | undefined> {
    if (!this.#kinds.has(kind)) return undefined;
    const found = await this.#cache.get(this.#keyOf(kind, content));
    return found && { value: read(found.bytes), kept: { kind, place: found.place } };
  }

  async #keep(kind: ResultKind, content: string, write: () => Uint8Array): Promise<void> {
    if (this.#kinds.has(kind)) await this.#cache.set(this.#keyOf(kind, content), write());
  }

  #keyOf(kind: ResultKind, content: string): string {
    return sha256OfBytes(`${this.#bases[kind]} ${content}`);
  }
}

interface Found<T> {
  readonly value: T;
  readonly kept: CachedRecognition['kept'];
}

/** SHA-256 of the samples and their rate: the same sound from a WAV and a FLAC file is the same. */
function contentOf({ samples, sampleRateHz }: Audio): string {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  return createHash('sha256').update(`${sampleRateHz}\n`).update(bytes).digest('hex');
}

/**
 * What a result depends on besides the sound, for each kind: a SHA-256.
 *
 * @param model - as it was loaded
 * @param modelSha256 - of its file
 * @param options - of its session, and the versions of the code
 * @param decoderKey - `decoderKey` of its recognizer
 */
export function resultKeyBases(
  { card }: ResolvedModel,
  modelSha256: string,
  { session = {}, versions }: Pick<CachedRecognizerOptions, 'session' | 'versions'> = {},
  decoderKey: string = 'greedy',
): Readonly<Record<ResultKind, string>> {
  const { executionProvider = 'cpu', threads = 0 } = session;
  const { features, decoder, runtime } = versions ?? {
    features: FEATURES_VERSION,
    decoder: DECODER_VERSION,
    runtime: env.versions.node ?? env.versions.common,
  };
  const heard = ['features', features, card.frontEnd];
  const scored = [...heard, modelSha256, runtime, executionProvider, threads, card.tensors];
  const base = (kind: ResultKind, parts: readonly unknown[]): string => sha256OfBytes(JSON.stringify([kind, ...parts]));
  return {
    features: base('features', heard),
    'log-probabilities': base('log-probabilities', scored),
    transcript: base('transcript', [...scored, decoder, decoderKey, card.labels, card.blank]),
  };
}

/** A count and float32 numbers, little-endian as every machine that ONNX Runtime serves. */
function floatsWithCount(data: Float32Array, count: number): Uint8Array {
  const bytes = new Uint8Array(4 + data.byteLength);
  new DataView(bytes.buffer).setUint32(0, count, true);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 4);
  return bytes;
}

function readFloats(bytes: Uint8Array): { readonly data: Float32Array; readonly count: number } {
  const count = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  return { data: new Float32Array(bytes.slice(4).buffer), count };
}

function readFeatures(bytes: Uint8Array): Features {
  const { data, count } = readFloats(bytes);
  return { data, frames: count, bins: data.length / count };
}

function readScores(bytes: Uint8Array): LogProbabilities {
  const { data, count } = readFloats(bytes);
  return { data, steps: count };
}

function readDecoding(bytes: Uint8Array): Decoding {
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as Decoding;
}
