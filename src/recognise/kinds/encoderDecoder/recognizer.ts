import type { Audio, Decoding } from '../../../speech/types.js';
import type { ResolvedModel } from '../../model.js';
import type { Passage } from '../../passage.js';
import type { ExecutionProvider } from '../../session/session.js';
import type {
  BatchRecognition,
  EncodedOf,
  Guide,
  Recognition,
  Recognizer,
  RecognizerOptions,
  Timing,
} from '../kind.js';
import type { EncoderDecoderCard } from './card.js';
import { framesOf, type HeardWindow, type SpeechParts, WindowHearer } from './hearWindow.js';
import { type HeardPassage, listen } from './listen.js';
import { openGraphs } from './openGraphs.js';
import { openSpeech } from './openSpeech.js';
import { SlidingSound } from './slidingSound.js';
import { decoderKeyOf, languageOf, promptTokens, type SpeechOptions, speechOptionsOf } from './speechOptions.js';

/** That of a model without tokens for languages. */
const ONLY_LANGUAGE = 'en';

/** A front end, the graphs of an encoder–decoder, and a tokenizer. */
export class EncoderDecoderRecognizer implements Recognizer {
  readonly card: EncoderDecoderCard;
  readonly executionProvider: ExecutionProvider;
  readonly warnings: readonly string[] = [];
  readonly decoderKey: string;
  /** Any length is heard. */
  readonly longestS: undefined;
  readonly #parts: SpeechParts;
  readonly #options: SpeechOptions;

  private constructor(
    card: EncoderDecoderCard,
    parts: SpeechParts,
    options: SpeechOptions,
    provider: ExecutionProvider,
  ) {
    this.card = card;
    this.executionProvider = provider;
    this.decoderKey = decoderKeyOf(options);
    this.#parts = parts;
    this.#options = options;
  }

  /** Loads a model; see `Recognizer.load`. */
  static async load(
    model: ResolvedModel & { readonly card: EncoderDecoderCard },
    options: RecognizerOptions = {},
  ): Promise<EncoderDecoderRecognizer> {
    const { decoder = {}, clock = () => performance.now(), ...rest } = options;
    const { card } = model;
    const hearing = speechOptionsOf(card, decoder);
    const parts = await openSpeech(model, async () => await openGraphs(model, rest), clock);
    return new EncoderDecoderRecognizer(card, parts, hearing, options.executionProvider ?? 'cpu');
  }

  async recognize(audio: Audio): Promise<Recognition> {
    const { decodings, audioS, timing } = await this.recognizeBatch([audio]);
    return { ...(decodings[0] as Decoding), audioS, timing };
  }

  /** Recordings whose windows have one length go through the networks together; one longer than a window is heard alone. */
  async recognizeBatch(audios: readonly Audio[]): Promise<BatchRecognition> {
    const { clock } = this.#parts;
    const started = clock();
    const hearer = new WindowHearer(this.#parts);
    const decodings = new Map<number, Decoding>();
    const { language, timestamps = false, fallBack, prompt: previous } = this.#options;
    const lengths = audios.map(({ samples, sampleRateHz }) => samples.length / sampleRateHz);
    const places = new Map<number, number[]>();
    for (const [place, lengthS] of lengths.entries()) {
      const frames = this.#framesFor(lengthS);
      if (lengthS > this.card.windowS) decodings.set(place, await this.#recognizeLong(hearer, audios[place] as Audio));
      else places.set(frames, [...(places.get(frames) ?? []), place]);
    }
    for (const [frames, together] of places) {
      const sounds = together.map((place) => audios[place] as Audio);
      const heard = await hearer.hear(sounds, { language, timestamps, fallBack, frames, previous });
      for (const [index, window] of heard.entries()) decodings.set(together[index] as number, this.#decodingOf(window));
    }
    return {
      decodings: audios.map((_, place) => decodings.get(place) as Decoding),
      audioS: lengths.reduce((total, lengthS) => total + lengthS, 0),
      timing: timingOf(hearer, clock() - started),
    };
  }

  /** Hears sound of any length by windows of the model's own. */
  async *passages(chunks: AsyncIterable<Audio> | Iterable<Audio>): AsyncGenerator<Passage> {
    const { clock } = this.#parts;
    let started = clock();
    for await (const { segments, window, heardS } of this.#listen(new WindowHearer(this.#parts), chunks)) {
      const ended = clock();
      yield { segments, heardS, computeMs: ended - started, language: window.language ?? ONLY_LANGUAGE };
      started = clock();
    }
  }

  async guided({ prompt = '', language }: Guide): Promise<EncoderDecoderRecognizer> {
    if (prompt === '' && language === undefined) return this;
    const { tokenizer, tokens } = this.#parts;
    const options = {
      ...this.#options,
      ...(language !== undefined && { language: languageOf(this.card, language) }),
      prompt: promptTokens(prompt, tokenizer, tokens),
    };
    return new EncoderDecoderRecognizer(this.card, this.#parts, options, this.executionProvider);
  }

  keeping(encodedOf: EncodedOf): EncoderDecoderRecognizer {
    return new EncoderDecoderRecognizer(
      this.card,
      { ...this.#parts, encodedOf },
      this.#options,
      this.executionProvider,
    );
  }

  async release(): Promise<void> {
    await this.#parts.graphs.release();
  }

  #listen(hearer: WindowHearer, chunks: AsyncIterable<Audio> | Iterable<Audio>): AsyncGenerator<HeardPassage> {
    const { language, fallBack, prompt, timestamps = true } = this.#options;
    const framesFor = (durationS: number): number => this.#framesFor(durationS);
    const sound = new SlidingSound(chunks);
    return listen(hearer, sound, { language, fallBack, prompt, timestamps, framesFor, windowS: this.card.windowS });
  }

  async #recognizeLong(hearer: WindowHearer, audio: Audio): Promise<Decoding> {
    const texts: string[] = [];
    let logProbability = 0;
    for await (const { segments, window } of this.#listen(hearer, [audio])) {
      texts.push(...segments.map(({ text }) => text));
      logProbability += window.logProbability;
    }
    return { text: texts.join(' '), logProbability };
  }

  #decodingOf({ tokens, logProbability }: HeardWindow): Decoding {
    return { text: this.#parts.tokenizer.decode(tokens).trim(), logProbability };
  }

  #framesFor(durationS: number): number {
    return framesOf(this.#parts, this.card.windowS, durationS, this.#options.marginS);
  }
}

function timingOf({ timing }: WindowHearer, totalMs: number): Timing {
  const { featuresMs, encoderMs } = timing;
  return { totalMs, featuresMs, inferenceMs: encoderMs, decodingMs: totalMs - featuresMs - encoderMs };
}
