import { createRandom, DEFAULT_SEED } from '../../../random.js';
import type { Audio, FeatureExtractor } from '../../../speech/types.js';
import type { EncodedOf } from '../kind.js';
import type { Encoded, SpeechGraphs } from './graphs.js';
import { encodedOf } from './graphTensors.js';
import { melWindow } from './melWindow.js';
import { compressionRatio, isDoubtful, isSilence, type TextQuality } from './quality.js';
import { openingTokens, type SpeechTokens } from './speechTokens.js';
import type { TextTokenizer } from './tokenizer.js';
import { detectLanguages, type WrittenTokens, writeTokens } from './writeTokens.js';

/** A model's parts, loaded. */
export interface SpeechParts {
  readonly extractor: FeatureExtractor;
  readonly graphs: SpeechGraphs;
  readonly tokenizer: TextTokenizer;
  readonly tokens: SpeechTokens;
  /** Tokens that the decoder has places for: 448. */
  readonly longestText: number;
  /** Gives what the encoder makes of a window, from what is kept. Default: it is computed. */
  readonly encodedOf?: EncodedOf | undefined;
  /** Frames of a whole window: 3000. */
  readonly windowFrames: number;
  /** Milliseconds from any fixed point. */
  readonly clock: () => number;
}

/** Windows are whole seconds long, so that recordings of about one length go through the networks together. */
const GRID_S = 1;

/**
 * Frames of the window for a recording: its own length and a margin, on the grid, or a whole window.
 *
 * @param windowS - length of a whole window, in seconds
 * @param marginS - seconds of silence behind the recording; without it, a whole window
 */
export function framesOf(
  { graphs, windowFrames }: Pick<SpeechParts, 'graphs' | 'windowFrames'>,
  windowS: number,
  durationS: number,
  marginS: number | undefined,
): number {
  if (marginS === undefined || graphs.fixedFrames !== undefined) return windowFrames;
  const ownS = Math.ceil((durationS + marginS) / GRID_S) * GRID_S;
  return Math.min(windowFrames, Math.round((ownS / windowS) * windowFrames));
}

/** How a window is heard. */
export interface HearOptions {
  /** Code of the language that is spoken. Default: the model finds out. */
  readonly language: string | undefined;
  /** Whether the model says when segments begin and end. */
  readonly timestamps: boolean;
  /** Whether a doubtful text is heard again, at rising temperatures, and one that is likely none is left out. */
  readonly fallBack: boolean;
  /** Frames of the window: even, and a whole window's at most. */
  readonly frames: number;
  /** What was said before each of the windows, as tokens. */
  readonly previous?: readonly number[] | undefined;
}

/** Where the time of a window went, in milliseconds. */
export interface WindowTiming {
  readonly featuresMs: number;
  readonly encoderMs: number;
  readonly decoderMs: number;
}

/** What was heard in a window. */
export interface HeardWindow {
  /** Timestamps included; none where nothing was said. */
  readonly tokens: readonly number[];
  /** Natural logarithm of the probability of all tokens, the end's included. */
  readonly logProbability: number;
  readonly quality: TextQuality;
  readonly temperature: number;
  /** Whether nothing was said: then there are no tokens. */
  readonly silent: boolean;
  readonly language: string | undefined;
}

/** What is heard where nothing can be said: the networks would invent something, "you" most often. */
const NOTHING_HEARD: HeardWindow = {
  tokens: [],
  logProbability: 0,
  quality: { compressionRatio: 0, averageLogProbability: 0, noSpeech: 1 },
  temperature: 0,
  silent: true,
  language: undefined,
};

/** Below the smallest step of 16-bit sound there is none. */
const QUIETEST = 2 ** -15;
/**
 * In less than this hardly a word is said: syllables take 50 to 400 ms (Greenberg et al. 2003, "Temporal properties of spontaneous speech"), the short ones inside longer
 * words. Of pieces of 20 to 50 ms, cut from speech, the networks make "you" and "Thank you.".
 */
const SHORTEST_S = 0.15;

function canBeHeard({ samples, sampleRateHz }: Audio): boolean {
  // No samples, and what is no number, go on to be refused.
  if (samples.length < SHORTEST_S * sampleRateHz) return samples.length === 0 || !samples.every(Number.isFinite);
  return !samples.every((sample) => Math.abs(sample) < QUIETEST);
}

/** Temperatures of the fall-back, as openai-whisper's. */
const RISING_TEMPERATURES = [0.2, 0.4, 0.6, 0.8, 1] as const;

/** Hears windows, and adds up where the time goes. */
export class WindowHearer {
  readonly parts: SpeechParts;
  #timing: WindowTiming = { featuresMs: 0, encoderMs: 0, decoderMs: 0 };

  constructor(parts: SpeechParts) {
    this.parts = parts;
  }

  /** Where the time went so far. */
  get timing(): WindowTiming {
    return this.#timing;
  }

  /**
   * Hears windows that go through the encoder together; what is doubtful is heard again alone, in a whole window first.
   *
   * @param sounds - one, or several that have the same text before them
   */
  async hear(sounds: readonly Audio[], options: HearOptions): Promise<readonly HeardWindow[]> {
    const audible = sounds.filter(canBeHeard);
    const heard = audible.length === 0 ? [] : await this.#hearAudible(audible, options);
    let place = 0;
    return sounds.map((sound) => (canBeHeard(sound) ? (heard[place++] as HeardWindow) : NOTHING_HEARD));
  }

  async #hearAudible(sounds: readonly Audio[], options: HearOptions): Promise<readonly HeardWindow[]> {
    const { parts } = this;
    const encoded = await this.#encode(sounds, options.frames);
    const languages = await this.#languagesOf(encoded, options);
    const written = await this.#write(encoded, languages, options, 0);
    const heard: HeardWindow[] = [];
    for (const [index, sound] of sounds.entries()) {
      const language = languages[index];
      const first = this.#judge(written[index] as WrittenTokens, 0, language, options);
      if (!options.fallBack || !this.#isWrong(first, written[index] as WrittenTokens)) {
        heard.push(first);
      } else if (options.frames < parts.windowFrames) {
        const [again] = await this.hear([sound], { ...options, frames: parts.windowFrames });
        heard.push(again as HeardWindow);
      } else {
        heard.push(await this.#fallBack(encodedOf(encoded, index), first, language, options));
      }
    }
    return heard;
  }

  async #encode(sounds: readonly Audio[], frames: number): Promise<Encoded> {
    const [sound, ...more] = sounds;
    const { encodedOf } = this.parts;
    if (encodedOf === undefined || sound === undefined || more.length > 0) return await this.#compute(sounds, frames);
    return {
      count: 1,
      tensors: await encodedOf(sound, frames, async () => (await this.#compute([sound], frames)).tensors),
    };
  }

  async #compute(sounds: readonly Audio[], frames: number): Promise<Encoded> {
    const { extractor, graphs, clock } = this.parts;
    const started = clock();
    const windows = sounds.map((sound) => melWindow(extractor, sound, frames));
    const [first] = windows;
    const bins = first?.bins ?? 0;
    const mel =
      windows.length === 1 && first !== undefined ? first.mel : new Float32Array(windows.length * bins * frames);
    if (windows.length > 1) for (const [index, one] of windows.entries()) mel.set(one.mel, index * bins * frames);
    const featured = clock();
    const encoded = await graphs.encode(mel, [sounds.length, bins, frames]);
    this.#add({ featuresMs: featured - started, encoderMs: clock() - featured });
    return encoded;
  }

  async #languagesOf(encoded: Encoded, { language }: HearOptions): Promise<readonly (string | undefined)[]> {
    const { graphs, tokens, clock } = this.parts;
    if (language !== undefined || Object.keys(tokens.languages ?? {}).length === 0) {
      return Array.from({ length: encoded.count }, () => language);
    }
    const started = clock();
    const found = await detectLanguages(graphs, encoded, tokens);
    this.#add({ decoderMs: clock() - started });
    return found;
  }

  async #write(
    encoded: Encoded,
    languages: readonly (string | undefined)[],
    { timestamps, previous = [] }: HearOptions,
    temperature: number,
  ): Promise<readonly WrittenTokens[]> {
    const { graphs, tokens, longestText, clock } = this.parts;
    const started = clock();
    // Half of the places are for what was said before, as openai-whisper shares them.
    const before = previous.length === 0 ? [] : [tokens.previous, ...previous.slice(1 - Math.floor(longestText / 2))];
    const openings = languages.map((language) => {
      const spoken = language === undefined ? undefined : tokens.languages?.[language];
      return [...before, ...openingTokens(tokens, spoken, timestamps)];
    });
    // Chance begins anew with each window, so that a text does not depend on what was heard before.
    const { next } = createRandom(DEFAULT_SEED);
    const written = await writeTokens(graphs, encoded, openings, {
      tokens,
      timestamps,
      temperature,
      random: next,
      longestText,
    });
    this.#add({ decoderMs: clock() - started });
    return written;
  }

  #judge(written: WrittenTokens, temperature: number, language: string | undefined, options: HearOptions): HeardWindow {
    const { tokens, logProbability, noSpeech } = written;
    const text = this.parts.tokenizer.decode(tokens).trim();
    const quality = {
      compressionRatio: compressionRatio(text),
      averageLogProbability: logProbability / (tokens.length + 1),
      noSpeech,
    };
    const silent = options.fallBack && isSilence(quality);
    return { tokens: silent ? [] : tokens, logProbability, quality, temperature, silent, language };
  }

  /** A text that is worth hearing again; in a short window, one without an end, and silence, too. */
  #isWrong({ quality, silent }: HeardWindow, { ended }: WrittenTokens): boolean {
    return isDoubtful(quality) || silent || !ended;
  }

  async #fallBack(
    encoded: Encoded,
    first: HeardWindow,
    language: string | undefined,
    options: HearOptions,
  ): Promise<HeardWindow> {
    let heard = first;
    for (const temperature of RISING_TEMPERATURES) {
      if (!isDoubtful(heard.quality)) break;
      const [written] = await this.#write(encoded, [language], options, temperature);
      heard = this.#judge(written as WrittenTokens, temperature, language, options);
    }
    return heard;
  }

  #add({ featuresMs = 0, encoderMs = 0, decoderMs = 0 }: Partial<WindowTiming>): void {
    const { featuresMs: features, encoderMs: encoder, decoderMs: decoder } = this.#timing;
    this.#timing = {
      featuresMs: features + featuresMs,
      encoderMs: encoder + encoderMs,
      decoderMs: decoder + decoderMs,
    };
  }
}
