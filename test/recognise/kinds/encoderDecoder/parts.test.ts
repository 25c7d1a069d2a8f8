import { mkdtempSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../../src/errors.js';
import { createRandom } from '../../../../src/random.js';
import { chooseToken } from '../../../../src/recognise/kinds/encoderDecoder/chooseToken.js';
import { melWindow } from '../../../../src/recognise/kinds/encoderDecoder/melWindow.js';
import { SlidingSound } from '../../../../src/recognise/kinds/encoderDecoder/slidingSound.js';
import { openingTokens, speechTokensOf } from '../../../../src/recognise/kinds/encoderDecoder/speechTokens.js';
import { readTokenizer } from '../../../../src/recognise/kinds/encoderDecoder/tokenizer.js';
import { logSumOf } from '../../../../src/recognise/kinds/encoderDecoder/tokenRules.js';
import { createFrontEnd } from '../../../../src/speech/features/features.js';
import { WHISPER_FRONT_END } from './whisperModel.js';

const TOKENS = {
  start: 6,
  end: 5,
  previous: 7,
  noSpeech: 8,
  noTimestamps: 9,
  firstTimestamp: 10,
  suppressed: [],
  suppressedFirst: [],
};

function noise(length: number): Float32Array {
  const { next } = createRandom(7);
  return Float32Array.from({ length }, () => 0.2 * (next() - 0.5));
}

describe('a window of features', () => {
  // `whisper.pad_or_trim`: zeros behind the sound, before the features are computed.
  it.each([
    [1, 300],
    [1600, 300],
    [15_937, 300],
    [47_100, 300],
    [47_999, 300],
    [48_000, 300],
    [90_000, 300],
  ])('of %i samples is that of the sound with zeros behind it', async (length, frames) => {
    const extractor = await createFrontEnd(WHISPER_FRONT_END);
    const samples = noise(length);
    const { mel, bins } = melWindow(extractor, { samples, sampleRateHz: 16_000 }, frames);
    const whole = new Float32Array(frames * 160);
    whole.set(samples.subarray(0, whole.length));
    const expected = extractor.compute({ samples: whole, sampleRateHz: 16_000 });
    expect(expected.frames).toBe(frames);
    let worst = 0;
    for (let bin = 0; bin < bins; bin++) {
      for (let frame = 0; frame < frames; frame++) {
        const difference = (mel[bin * frames + frame] as number) - (expected.data[frame * bins + bin] as number);
        worst = Math.max(worst, Math.abs(difference));
      }
    }
    expect(worst).toBeLessThan(1e-6);
  });

  it('resamples sound of another rate, and refuses none', async () => {
    const extractor = await createFrontEnd(WHISPER_FRONT_END);
    const { mel } = melWindow(extractor, { samples: noise(8000), sampleRateHz: 8000 }, 200);
    expect(mel).toHaveLength(200 * 80);
    const nothing = { samples: new Float32Array(0), sampleRateHz: 16_000 };
    expect(() => melWindow(extractor, nothing, 200)).toThrow(/a sample at least was required, got none/);
  });
});

describe('sliding sound', () => {
  const pieces = (...lengths: readonly number[]) => {
    let at = 0;
    return lengths.map((length) => {
      const samples = Float32Array.from({ length }, (_, i) => at + i);
      at += length;
      return { samples, sampleRateHz: 10 };
    });
  };

  it('gives each window whole, whatever the pieces are', async () => {
    const sound = new SlidingSound(pieces(7, 1, 25, 3, 14));
    expect([...((await sound.window(0, 3))?.samples ?? [])]).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect([...((await sound.window(0.7, 1))?.samples ?? [])]).toEqual(Array.from({ length: 10 }, (_, i) => 7 + i));
    expect([...((await sound.window(3.4, 3))?.samples ?? [])]).toEqual(Array.from({ length: 16 }, (_, i) => 34 + i));
    expect(await sound.window(5, 3)).toBeNull();
    expect(sound.lengthS).toBe(5);
  });

  it('reads no further than the window', async () => {
    let read = 0;
    function* endless() {
      for (;;) {
        read++;
        yield { samples: new Float32Array(10), sampleRateHz: 10 };
      }
    }
    const sound = new SlidingSound(endless());
    for (let startS = 0; startS < 3600; startS += 29) await sound.window(startS, 30);
    expect(read).toBeLessThanOrEqual(3600 + 30);
  });

  it('refuses a change of rate, and nothing is nothing', async () => {
    const two = [
      { samples: new Float32Array(10), sampleRateHz: 10 },
      { samples: new Float32Array(10), sampleRateHz: 20 },
    ];
    await expect(new SlidingSound(two).window(0, 30)).rejects.toThrow(
      /one sample rate was required, got 10 Hz and then 20/,
    );
    expect(await new SlidingSound([]).window(0, 30)).toBeNull();
  });
});

describe('choosing a token', () => {
  it('takes the likeliest, and says how likely it is', () => {
    // softmax of 0, ln 2, ln 5: 1/8, 1/4, 5/8.
    const logits = Float32Array.of(0, Math.log(2), Math.log(5), Number.NEGATIVE_INFINITY);
    const { token, logProbability } = chooseToken(logits, 0, () => 0);
    expect(token).toBe(2);
    expect(logProbability).toBeCloseTo(Math.log(5 / 8), 6);
  });

  it('draws by the temperature', () => {
    const logits = Float32Array.of(0, Math.log(2), Math.log(5), Number.NEGATIVE_INFINITY);
    // At temperature 0.5 the shares are squared: 1, 4 and 25 of 30.
    const { next } = createRandom(1);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 30_000; i++) {
      const { token } = chooseToken(logits, 0.5, next);
      counts[token] = (counts[token] as number) + 1;
    }
    for (const [token, share] of [1 / 30, 4 / 30, 25 / 30, 0].entries()) {
      // Three standard deviations of the share are below 0.007.
      expect((counts[token] as number) / 30_000).toBeCloseTo(share, 2);
    }
    expect(chooseToken(logits, 0.5, () => 0).token).toBe(0);
    expect(chooseToken(logits, 0.5, () => 1.01 / 30).token).toBe(1);
    expect(chooseToken(logits, 0.5, () => 5.01 / 30).token).toBe(2);
    expect(chooseToken(logits, 0.5, () => 0.9999999).token).toBe(2);
  });

  it('sums what is far below as nothing', () => {
    const logits = Float32Array.from({ length: 50_000 }, (_, i) => (i === 3 ? 9 : -30));
    expect(logSumOf(logits, 0, logits.length)).toBeCloseTo(9, 6);
    expect(logSumOf(Float32Array.of(Number.NEGATIVE_INFINITY), 0, 1)).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe('tokens', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quantlab-'));
  const special = (id: number, content: string) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const tokenizer = {
    version: '1.0',
    added_tokens: [special(5, '<|endoftext|>'), special(6, '<|startoftranscript|>')],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    // "Ġ" is a space, "Ã" and "¼" the two bytes of "ü".
    model: { type: 'BPE', vocab: { Ġ: 0, a: 1, b: 2, Ã: 3, '¼': 4 }, merges: [] },
  };

  it('become text by bytes, without times and what steers', async () => {
    const path = join(folder, 'tokenizer.json');
    await writeFile(path, JSON.stringify(tokenizer));
    const { decode, encode } = await readTokenizer(path, TOKENS);
    expect(decode([10, 0, 1, 0, 2, 60, 5])).toBe(' a b');
    expect(decode([1, 3, 4, 2])).toBe('aüb');
    expect(decode([])).toBe('');
    expect([...encode('a b')]).toEqual([1, 0, 2]);
  });

  it('refuses a tokenizer of another model, and what is none', async () => {
    const path = join(folder, 'other.json');
    await writeFile(path, JSON.stringify(tokenizer));
    await expect(readTokenizer(path, { ...TOKENS, start: 7 })).rejects.toThrow(
      /other\.json: <\|startoftranscript\|> was required to be token 7, as the model's card says, got 6; take the tokenizer/,
    );
    for (const text of ['{', '{}', '[1]', '{"model": 3}']) {
      await writeFile(path, text);
      await expect(readTokenizer(path, TOKENS)).rejects.toThrow(InputError);
    }
    await expect(readTokenizer(join(folder, 'none.json'), TOKENS)).rejects.toThrow(/none\.json/);
  });

  it('open a transcript as openai-whisper does', () => {
    // `sot_sequence`, and `sot_sequence_including_notimestamps`.
    expect(openingTokens(TOKENS, undefined, true)).toEqual([6]);
    expect(openingTokens(TOKENS, undefined, false)).toEqual([6, 9]);
    expect(openingTokens({ ...TOKENS, transcribe: 3 }, 2, false)).toEqual([6, 2, 3, 9]);
  });

  it('must all be in the card', () => {
    expect(() => speechTokensOf({ id: 'x', tokens: { start: 1, end: 2, previous: 3 } })).toThrow(
      /card of x: .* got none for noSpeech, noTimestamps, firstTimestamp/,
    );
  });
});
