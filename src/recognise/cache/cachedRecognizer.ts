import { createHash } from 'node:crypto';
import { InputError } from '../../errors.js';
import { sha256OfBytes } from '../../files.js';
import { env } from '../../runtime.js';
import { FEATURES_VERSION } from '../../speech/features/features.js';
import type { Fingerprint } from '../../speech/fingerprint/fingerprint.js';
import type { Audio, Decoding, Features } from '../../speech/types.js';
import type { EncodedOf, Guide, Recognition, Recognizer, Scores, Stages } from '../kinds/kind.js';
import { kindOf } from '../kinds/kinds.js';
import { modelSha256, type ResolvedModel } from '../model.js';
import type { SessionOptions } from '../session/session.js';
import type { ResultCache, ResultPlace } from './resultCache.js';
import type { SimilarSounds } from './similarSounds.js';
import { tensorsFromBytes, tensorsToBytes } from './tensorBytes.js';

/**
 * Results that may be kept, in the order in which they come about. `scores` are what the network gives of the sound: the scores of each
 * step, or what an encoder hands to its decoder, window by window. Of an encoder–decoder no features are kept.
 */
export type ResultKind = 'features' | 'scores' | 'transcript';

/** Names of {@link ResultKind}s. */
export const RESULT_KINDS: readonly ResultKind[] = ['features', 'scores', 'transcript'];

/**
 * What is kept where nothing else is said. Not features: they are 11 times the size of the scores of the shipped model,
 * and making them is a few per cent of the work (`quantlab caching`).
 */
export const KEPT_KINDS: readonly ResultKind[] = ['scores', 'transcript'];

/** How results are told apart, and which are kept. */
export interface CachedRecognizerOptions {
  /** Default: `KEPT_KINDS`. */
  readonly kinds?: readonly ResultKind[] | undefined;
  /** Finds transcripts of the same recording in another form, too: other samples, the same sound. Default: none are found. */
  readonly similar?: SimilarSounds | undefined;
  /** Where what an encoder gave is kept: thousands of transcripts would make room for one. Default: with the rest. */
  readonly encoded?: ResultCache | undefined;
  /** With which the recognizer was loaded: other options may give other numbers. */
  readonly session?: Pick<SessionOptions, 'executionProvider' | 'threads'>;
  /** Checksum of the model's files. Default: computed. */
  readonly modelSha256?: string;
  /** Versions of the code, for tests. */
  readonly versions?: { readonly features: number; readonly decoder: number; readonly runtime: string };
  /** Milliseconds from any fixed point. Default: `performance.now`. */
  readonly clock?: () => number;
}

/** What was heard, and how much of that was known before. */
export interface CachedRecognition extends Recognition {
  /** The furthest result that was kept; `null` when everything was computed. */
  readonly kept: KeptFrom | null;
}

/** Which result was kept, and where. */
export interface KeptFrom {
  readonly kind: ResultKind;
  readonly place: ResultPlace;
  /** It is of the same recording in another form, in which so much of the bits that tell its sound differs; left out where it is of the same samples. */
  readonly differing?: number;
}

/**
 * A recognizer that keeps its results: hears a recording that it has heard before without running the network.
 *
 * An encoder–decoder that has heard a recording hears it with another prompt, language or temperature without its encoder.
 *
 * Every key is a SHA-256 of all that the result depends on: samples and rate, front end and its version; for scores also
 * model, runtime, execution provider and threads; for transcripts also what the decoder reads of the card, and the decoder. Whatever changes, the old result is
 * not found, and leaves when room is needed.
 */
export class CachedRecognizer {
  readonly #recognizer: Recognizer;
  readonly #cache: ResultCache;
  readonly #model: ResolvedModel;
  readonly #options: CachedRecognizerOptions & { readonly modelSha256: string };
  readonly #kinds: ReadonlySet<ResultKind>;
  readonly #bases: Readonly<Record<ResultKind, string>>;
  readonly #clock: () => number;
  readonly #similar: SimilarSounds | undefined;

  private constructor(
    recognizer: Recognizer,
    model: ResolvedModel,
    cache: ResultCache,
    options: CachedRecognizerOptions & { readonly modelSha256: string },
  ) {
    this.#recognizer = recognizer;
    this.#model = model;
    this.#cache = cache;
    this.#options = options;
    this.#kinds = new Set(options.kinds ?? KEPT_KINDS);
    this.#bases = resultKeyBases(model, options.modelSha256, options, recognizer.decoderKey);
    this.#clock = options.clock ?? (() => performance.now());
    this.#similar = options.similar;
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
    const sha256 = options.modelSha256 ?? (await modelSha256(model));
    return new CachedRecognizer(recognizer, model, cache, { ...options, modelSha256: sha256 });
  }

  /** The longest recording that it hears, in seconds; `undefined` where any length will do. */
  get longestS(): number | undefined {
    return this.#recognizer.longestS;
  }

  /** As the recognizer hears sound of any length, where it has windows of its own; what an encoder gave is kept of it. */
  get passages(): Recognizer['passages'] {
    const recognizer = this.#keeping();
    return recognizer.passages?.bind(recognizer);
  }

  /** The same for a recording that something is known of; see `Recognizer.guided`. */
  async guided(guide: Guide): Promise<CachedRecognizer> {
    const guided = await this.#recognizer.guided(guide);
    if (guided === this.#recognizer) return this;
    return new CachedRecognizer(guided, this.#model, this.#cache, this.#options);
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
    const known = await this.#find('transcript', content, readDecoding);
    const print = known === undefined ? this.#similar?.of(audio) : undefined;
    const transcript = known ?? (print ? await this.#findAlike(print, audioS) : undefined);
    if (transcript !== undefined) {
      const totalMs = this.#clock() - started;
      const timing = { totalMs, featuresMs: 0, inferenceMs: 0, decodingMs: totalMs };
      return { ...transcript.value, audioS, timing, kept: transcript.kept };
    }
    const { stages } = this.#recognizer;
    if (print) await this.#similar?.add(print, content);
    if (stages === undefined) {
      const windows: CachedRecognition['kept'][] = [];
      const { audioS: _, timing, ...decoding } = await this.#keeping((kept) => windows.push(kept)).recognize(audio);
      await this.#keep('transcript', content, () => Buffer.from(JSON.stringify(decoding)));
      return { ...decoding, audioS, timing, kept: windows.includes(null) ? null : (windows[0] ?? null) };
    }
    const scores = await this.#find('scores', content, readScores);
    const features = scores === undefined ? await this.#features(stages, audio, content) : undefined;
    const featured = this.#clock();
    const output = scores?.value ?? (await this.#infer(stages, content, features?.value));
    const inferred = this.#clock();
    const decoding = stages.decode(output);
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

  /** The recognizer, which encodes only windows that are not kept. @param note - called for each window */
  #keeping(note: (kept: CachedRecognition['kept']) => void = () => undefined): Recognizer {
    if (!this.#kinds.has('scores')) return this.#recognizer;
    const cache = this.#options.encoded ?? this.#cache;
    const encodedOf: EncodedOf = async (sound, window, compute) => {
      const key = this.#keyOf('scores', `${contentOf(sound)} ${window}`);
      const found = await cache.get(key);
      note(found ? { kind: 'scores', place: found.place } : null);
      if (found) return tensorsFromBytes(found.bytes);
      const tensors = await compute();
      const bytes = tensorsToBytes(tensors);
      if (bytes !== null) await cache.set(key, bytes);
      return tensors;
    };
    return this.#recognizer.keeping?.(encodedOf) ?? this.#recognizer;
  }

  /** The transcript of the same recording in another form, its words when they are said in this one. */
  async #findAlike(print: Fingerprint, audioS: number): Promise<Found<Decoding> | undefined> {
    for (const { content, laterS, errorRate } of (await this.#similar?.find(print)) ?? []) {
      const found = await this.#find('transcript', content, readDecoding);
      if (found === undefined || found.kept === null) continue;
      return { value: later(found.value, laterS, audioS), kept: { ...found.kept, differing: errorRate } };
    }
    return undefined;
  }

  async #features(stages: Stages, audio: Audio, content: string): Promise<Found<Features>> {
    const found = await this.#find('features', content, readFeatures);
    if (found !== undefined) return found;
    const value = stages.features(audio);
    await this.#keep('features', content, () => floatsWithCount(value.data, value.frames));
    return { value, kept: null };
  }

  async #infer(stages: Stages, content: string, features: Features | undefined): Promise<Scores> {
    const [output] = await stages.infer(features === undefined ? [] : [features]);
    if (output === undefined) throw new Error('a network of one recording gave no output');
    await this.#keep('scores', content, () => floatsWithCount(output.data, output.steps));
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

/** What was decoded, its words so much later, and within the recording. */
function later({ words, ...decoding }: Decoding, laterS: number, audioS: number): Decoding {
  if (words === undefined) return decoding;
  const within = (timeS: number): number => Math.min(audioS, Math.max(0, timeS + laterS));
  return {
    ...decoding,
    words: words.map((word) => ({ ...word, startS: within(word.startS), endS: within(word.endS) })),
  };
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
 * @param sha256 - of its files
 * @param options - of its session, and the versions of the code
 * @param decoderKey - `decoderKey` of its recognizer
 */
export function resultKeyBases(
  { card }: ResolvedModel,
  sha256: string,
  { session = {}, versions }: Pick<CachedRecognizerOptions, 'session' | 'versions'> = {},
  decoderKey: string = 'greedy',
): Readonly<Record<ResultKind, string>> {
  const { executionProvider = 'cpu', threads = 0 } = session;
  const kind = kindOf(card);
  const depends = kind.dependencies(card);
  const { features, decoder, runtime } = versions ?? {
    features: FEATURES_VERSION,
    decoder: kind.decoderVersion,
    runtime: env.versions.node ?? env.versions.common,
  };
  const heard = ['features', features, card.frontEnd];
  const scored = [...heard, sha256, runtime, executionProvider, threads, ...depends.scores];
  const base = (kind: ResultKind, parts: readonly unknown[]): string => sha256OfBytes(JSON.stringify([kind, ...parts]));
  return {
    features: base('features', heard),
    scores: base('scores', scored),
    transcript: base('transcript', [...scored, decoder, decoderKey, ...depends.text]),
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

function readScores(bytes: Uint8Array): Scores {
  const { data, count } = readFloats(bytes);
  return { data, steps: count };
}

function readDecoding(bytes: Uint8Array): Decoding {
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as Decoding;
}
