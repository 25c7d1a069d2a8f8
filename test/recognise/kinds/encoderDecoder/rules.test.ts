import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type {
  HeardWindow,
  HearOptions,
  SpeechParts,
} from '../../../../src/recognise/kinds/encoderDecoder/hearWindow.js';
import { listen } from '../../../../src/recognise/kinds/encoderDecoder/listen.js';
import { compressionRatio, isDoubtful, isSilence } from '../../../../src/recognise/kinds/encoderDecoder/quality.js';
import { segmentTokens } from '../../../../src/recognise/kinds/encoderDecoder/segmentTokens.js';
import { SlidingSound } from '../../../../src/recognise/kinds/encoderDecoder/slidingSound.js';
import type { SpeechTokens } from '../../../../src/recognise/kinds/encoderDecoder/speechTokens.js';
import {
  applyTokenRules,
  logSumAfterRules,
  logSumOf,
} from '../../../../src/recognise/kinds/encoderDecoder/tokenRules.js';
import type { Audio } from '../../../../src/speech/types.js';

interface Case {
  readonly said: readonly number[];
  readonly seed: number;
  readonly lift: number;
  readonly timed: boolean;
  readonly allowed: readonly number[];
}

interface Reference {
  readonly rules: readonly Case[];
  readonly windows: {
    readonly script: readonly (readonly [
      tokens: readonly number[],
      logProbability: number,
      noSpeech: number,
      hot: number,
    ])[];
    readonly calls: readonly { readonly prompt: readonly number[] }[];
    readonly segments: readonly {
      readonly seek: number;
      readonly start: number;
      readonly end: number;
      readonly tokens: readonly number[];
    }[];
    readonly lengthS: number;
  };
  readonly repetitions: readonly { readonly text: string; readonly ratio: number }[];
}

// Made by openai-whisper 20250625: make_rules.py, beside this file.
const reference = JSON.parse(readFileSync(new URL('rules.json', import.meta.url), 'utf8')) as Reference;

/** The small vocabulary of make_rules.py. */
const TOKENS: SpeechTokens = {
  start: 21,
  end: 20,
  previous: 25,
  noSpeech: 26,
  noTimestamps: 29,
  firstTimestamp: 30,
  suppressed: [3, 7, 21, 22, 23],
  suppressedFirst: [5, 20],
};

function logitsOf(seed: number, lift: number): Float32Array {
  return Float32Array.from({ length: 130 }, (_, i) => 4 * Math.sin(100 * seed + 1.7 * i) + (i >= 30 ? lift : 0));
}

describe('the rules of what is said next', () => {
  it.each(reference.rules)('after $said, seed $seed, lift $lift, timed $timed: as openai-whisper', (one) => {
    const logits = logitsOf(one.seed, one.lift);
    applyTokenRules(logits, one.said, { tokens: TOKENS, timestamps: one.timed });
    const allowed = [...logits.keys()].filter((token) => Number.isFinite(logits[token]));
    expect(allowed).toEqual(one.allowed);
  });
});

describe('the sum of what may be said next', () => {
  const all = (logits: Float32Array): number => logSumOf(logits, 0, logits.length);

  it.each(reference.rules.filter(({ timed }) => !timed))('after $said, seed $seed: as added up anew', (one) => {
    const logits = logitsOf(one.seed, one.lift);
    const rules = { tokens: TOKENS, timestamps: false };
    const left = logSumAfterRules(logits, all(logits), one.said, rules) as number;
    const before = all(logits);
    applyTokenRules(logits, one.said, rules);
    expect(left).toBeCloseTo(all(logits), 5);
    expect(left).toBeLessThan(before - 1e-5);
  });

  it.each([
    ['the blank, at the beginning alone', 5, [], 'anew'],
    ['the blank, later', 5, [1], 'derived'],
    ['a suppressed token', 7, [1], 'anew'],
  ])('where nearly all of it is %s: token %i after %j is %s', (_, token, said, how) => {
    const logits = logitsOf(1, 0);
    logits[token] = 30;
    const left = logSumAfterRules(logits, all(logits), said, { tokens: TOKENS, timestamps: false });
    expect(left === undefined ? 'anew' : 'derived').toBe(how);
  });

  it('is added up anew with timestamps, and where the model does not tell it', () => {
    const logits = logitsOf(1, 0);
    expect(logSumAfterRules(logits, all(logits), [1], { tokens: TOKENS, timestamps: true })).toBeUndefined();
    expect(logSumAfterRules(logits, undefined, [1], { tokens: TOKENS, timestamps: false })).toBeUndefined();
  });
});

describe('the quality of a text', () => {
  it.each(reference.repetitions)('compresses as Python does: $text', ({ text, ratio }) => {
    expect(compressionRatio(text)).toBeCloseTo(ratio, 12);
  });

  // The thresholds of `whisper.transcribe`: 2.4, −1, 0.6.
  it.each([
    [{ compressionRatio: 1, averageLogProbability: -0.5, noSpeech: 0 }, false, false],
    [{ compressionRatio: 2.5, averageLogProbability: -0.5, noSpeech: 0 }, true, false],
    [{ compressionRatio: 1, averageLogProbability: -1.1, noSpeech: 0 }, true, false],
    [{ compressionRatio: 1, averageLogProbability: -1.1, noSpeech: 0.7 }, false, true],
    [{ compressionRatio: 1, averageLogProbability: -0.9, noSpeech: 0.7 }, false, false],
    [{ compressionRatio: 2.5, averageLogProbability: -0.9, noSpeech: 0.7 }, true, false],
  ])('%o: doubtful %s, silence %s', (quality, doubtful, silent) => {
    expect([isDoubtful(quality), isSilence(quality)]).toEqual([doubtful, silent]);
  });
});

describe('a recording of many windows', () => {
  it('is cut, read on and guided as by openai-whisper', async () => {
    const { script, calls, segments, lengthS } = reference.windows;
    const T = 50_363;
    const heard: HearOptions[] = [];
    const starts: number[] = [];
    const rest = script.values();
    const hearer = {
      parts: {
        tokens: { ...TOKENS, end: 50_256, firstTimestamp: T },
        longestText: 448,
        tokenizer: { decode: (ids: readonly number[]) => ids.filter((id) => id < 50_256).join(' ') },
      } as unknown as SpeechParts,
      hear: async (_: readonly Audio[], options: HearOptions): Promise<readonly HeardWindow[]> => {
        const [tokens, averageLogProbability, noSpeech, temperature] = rest.next().value ?? [[], 0, 0, 0];
        const quality = { compressionRatio: 1, averageLogProbability, noSpeech };
        heard.push(options);
        const silent = isSilence(quality);
        const language = 'en';
        return [{ tokens: silent ? [] : tokens, logProbability: 0, quality, temperature, silent, language }];
      },
    };
    const sound = new SlidingSound([{ samples: new Float32Array(100 * lengthS), sampleRateHz: 100 }]);
    const found = [];
    for await (const passage of listen(hearer, sound, {
      language: undefined,
      fallBack: true,
      timestamps: true,
      prompt: [],
      framesFor: () => 3000,
      windowS: 30,
    })) {
      starts.push(passage.heardS);
      found.push(...passage.segments);
    }
    expect(heard.map(({ previous }) => previous?.slice(-223))).toEqual(calls.map(({ prompt }) => prompt));
    const expected = segments.filter(({ tokens }) => tokens.length > 0);
    expect(found.map(({ text }) => text)).toEqual(
      expected.map(({ tokens }) => tokens.filter((token) => token < 50_256).join(' ')),
    );
    for (const [index, { startS, endS }] of found.entries()) {
      expect(startS).toBeCloseTo(expected[index]?.start as number, 6);
      // Ours end where the recording does; theirs may say a time behind it.
      expect(endS).toBeCloseTo(Math.min(expected[index]?.end as number, lengthS), 6);
    }
    expect(heard[0]?.language).toBeUndefined();
    expect(heard[1]?.language).toBe('en');
    expect(starts.at(-1)).toBe(lengthS);
  });

  it('goes on where a window says nothing', () => {
    expect(segmentTokens([], { firstTimestamp: 30 }, 7)).toEqual({
      segments: [{ startS: 0, endS: 7, tokens: [] }],
      heardS: 7,
    });
  });
});
