import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../../src/errors.js';
import { createRandom } from '../../../../src/random.js';
import { importModel } from '../../../../src/recognise/import/importModel.js';
import type { EncoderDecoderCard } from '../../../../src/recognise/kinds/encoderDecoder/card.js';
import { encoderDecoder } from '../../../../src/recognise/kinds/encoderDecoder/encoderDecoder.js';
import type { SpeechGraphs } from '../../../../src/recognise/kinds/encoderDecoder/graphs.js';
import { WindowHearer } from '../../../../src/recognise/kinds/encoderDecoder/hearWindow.js';
import { openGraphs } from '../../../../src/recognise/kinds/encoderDecoder/openGraphs.js';
import { openSpeech } from '../../../../src/recognise/kinds/encoderDecoder/openSpeech.js';
import { OptimumGraphs } from '../../../../src/recognise/kinds/encoderDecoder/optimumGraphs.js';
import { detectLanguages } from '../../../../src/recognise/kinds/encoderDecoder/writeTokens.js';
import type { ResolvedModel } from '../../../../src/recognise/model.js';
import { Recognizer } from '../../../../src/recognise/recognizer.js';
import { openSession } from '../../../../src/recognise/session/session.js';
import { transcribe } from '../../../../src/recognise/transcribe.js';
import type { Audio } from '../../../../src/speech/types.js';
import { smallConfig, writeHuggingFaceFolder } from '../../import/randomWhisper.js';
import { underOptimumNames } from './optimumNames.js';
import { whisperModel } from './whisperModel.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-whisper-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Of randomWhisper.ts: 256 bytes, then those that steer. */
const TOKENS = {
  start: 257,
  end: 256,
  previous: 263,
  noSpeech: 264,
  noTimestamps: 265,
  firstTimestamp: 266,
  transcribe: 261,
  languages: { en: 258, de: 259 },
  suppressed: [1, 2],
  suppressedFirst: [32, 256],
};

/** Random weights say random things: what is tested is that the same is said whichever way it is heard. */
let model: ResolvedModel & { readonly card: EncoderDecoderCard };
let graphs: SpeechGraphs;

beforeAll(async () => {
  writeHuggingFaceFolder(join(folder, 'hf'), smallConfig({ max_target_positions: 48 }));
  await importModel(join(folder, 'hf'), join(folder, 'own'));
  model = whisperModel(join(folder, 'own'), TOKENS, 48);
  graphs = await openGraphs(model, { threads: 1 });
});
afterAll(async () => await graphs.release());

function sound(seconds: number, sampleRateHz = 16_000, seed = 1): Audio {
  const { next } = createRandom(seed);
  return {
    samples: Float32Array.from({ length: Math.round(seconds * sampleRateHz) }, () => next() - 0.5),
    sampleRateHz,
  };
}

function mel(count: number, frames: number): Float32Array {
  const { next } = createRandom(5);
  return Float32Array.from({ length: count * 80 * frames }, () => next() - 0.5);
}

const far = (a: Float32Array, b: Float32Array): number =>
  a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (b[i] as number))), 0);

describe('the graphs', () => {
  it('read token by token what they read at once', async () => {
    const encoded = await graphs.encode(mel(2, 400), [2, 80, 400]);
    const tokens = [
      [257, 258, 263, 265, 10, 20],
      [257, 259, 263, 265, 30, 40],
    ];
    const whole = await graphs.step(tokens, graphs.begin(encoded), [3, 5]);
    let { state, logits } = await graphs.step(
      tokens.map((row) => row.slice(0, 4)),
      graphs.begin(encoded),
      [0, 3],
    );
    const size = graphs.vocabulary;
    expect(far(logits.subarray(size, 2 * size), whole.logits.subarray(0, size))).toBeLessThan(1e-4);
    for (const at of [4, 5])
      ({ state, logits } = await graphs.step(
        tokens.map((row) => [row[at] as number]),
        state,
        [0],
      ));
    expect(state.length).toBe(6);
    for (const row of [0, 1]) {
      const expected = whole.logits.subarray((2 * row + 1) * size, (2 * row + 2) * size);
      expect(far(logits.subarray(row * size, (row + 1) * size), expected)).toBeLessThan(1e-4);
    }
  });

  it('say the same under the names of Optimum and transformers.js', async () => {
    const [encoder, decoder] = await Promise.all(
      ['encoder', 'decoder'].map(async (name) => await openSession(model.graphs[name] as string, { threads: 1 })),
    );
    if (encoder === undefined || decoder === undefined) throw new Error('two sessions were opened');
    for (const form of ['merged', 'two decoders'] as const) {
      const named = underOptimumNames(encoder, decoder, form);
      const published = new OptimumGraphs(named.encoder, named.first, named.next);
      expect(published.fixedFrames).toBe(3000);
      expect(published.vocabulary).toBe(graphs.vocabulary);
      const own = await graphs.encode(mel(2, 3000), [2, 80, 3000]);
      const theirs = await published.encode(mel(2, 3000), [2, 80, 3000]);
      const opening = [
        [257, 258, 263, 265],
        [257, 259, 263, 265],
      ];
      let a = await graphs.step(opening, graphs.begin(own), [0, 3]);
      let b = await published.step(opening, published.begin(theirs), [0, 3]);
      expect(far(a.logits, b.logits)).toBeLessThan(1e-4);
      for (const next of [7, 8, 9]) {
        a = await graphs.step([[next], [next + 1]], a.state, [0]);
        b = await published.step([[next], [next + 1]], b.state, [0]);
        expect(far(a.logits, b.logits)).toBeLessThan(1e-4);
      }
      await expect(
        published.step(
          [
            [1, 2],
            [1, 2],
          ],
          b.state,
          [0],
        ),
      ).rejects.toThrow(/one token a step was required/);
    }
    await encoder.release();
    await decoder.release();
  });

  it('find out a language of those that the model knows', async () => {
    const encoded = await graphs.encode(mel(3, 200), [3, 80, 200]);
    const { logits } = await graphs.step([[257], [257], [257]], graphs.begin(encoded), [0]);
    const found = await detectLanguages(graphs, encoded, { start: 257, languages: { en: 258, de: 259 } });
    const size = graphs.vocabulary;
    const expected = [0, 1, 2].map((row) =>
      (logits[row * size + 258] as number) >= (logits[row * size + 259] as number) ? 'en' : 'de',
    );
    expect(found).toEqual(expected);
  });
});

describe('an encoder–decoder', () => {
  it.each([undefined, 4])(
    'hears in a batch what it hears one by one, in the order given, margin %s',
    async (marginS) => {
      const decoder = { language: 'en', fallBack: false, marginS };
      const recognizer = await Recognizer.load(model, { threads: 1, decoder });
      const sounds = [sound(1.2, 16_000, 1), sound(0.4, 16_000, 2), sound(1.4, 16_000, 3), sound(9, 8000, 4)];
      const { decodings, timing, audioS } = await recognizer.recognizeBatch(sounds);
      for (const [index, one] of sounds.entries()) {
        expect(decodings[index]?.text).toBe((await recognizer.recognize(one)).text);
      }
      expect(audioS).toBeCloseTo(12, 6);
      expect(timing.featuresMs + timing.inferenceMs + timing.decodingMs).toBeCloseTo(timing.totalMs, 6);
      await recognizer.release();
    },
  );

  it('hears silence, a tenth of a second and a single sample without a fault', async () => {
    const recognizer = await Recognizer.load(model, { threads: 1 });
    for (const samples of [new Float32Array(32_000), sound(0.1).samples, new Float32Array(1)]) {
      const { text } = await recognizer.recognize({ samples, sampleRateHz: 16_000 });
      expect(typeof text).toBe('string');
    }
    const nothing = { samples: new Float32Array(0), sampleRateHz: 16_000 };
    await expect(recognizer.recognize(nothing)).rejects.toThrow(InputError);
    const wrong = { samples: Float32Array.of(0.1, Number.NaN, 0.2), sampleRateHz: 16_000 };
    await expect(recognizer.recognize(wrong)).rejects.toThrow(InputError);
    await recognizer.release();
  });

  it('hears nothing in less than 0.15 s, which holds no word', async () => {
    const recognizer = await Recognizer.load(model, { threads: 1, decoder: { language: 'en', fallBack: false } });
    const { decodings } = await recognizer.recognizeBatch([sound(0.1), sound(0.149), sound(0.15)]);
    expect(decodings.slice(0, 2).map(({ text }) => text)).toEqual(['', '']);
    // What the networks said is not certain; what they were not asked is.
    expect(decodings.map(({ logProbability }) => logProbability < 0)).toEqual([false, false, true]);
    await recognizer.release();
  });

  it('hears nothing where there is no sound, beside others and for an hour', async () => {
    const recognizer = await Recognizer.load(model, { threads: 1, decoder: { language: 'en', fallBack: false } });
    const silence = { samples: new Float32Array(3200), sampleRateHz: 16_000 };
    const { decodings } = await recognizer.recognizeBatch([silence, sound(0.4), silence]);
    expect(decodings.map(({ text }) => text)).toEqual(['', (await recognizer.recognize(sound(0.4))).text, '']);
    // A step of 16-bit sound is 1/32768: below it nothing was recorded.
    const hour = Array.from({ length: 60 }, () => ({
      samples: new Float32Array(480_000).fill(1e-5),
      sampleRateHz: 8000,
    }));
    const { audioS, segments } = await transcribe(recognizer, hour);
    expect([Math.round(audioS), segments]).toEqual([3600, []]);
    await recognizer.release();
  }, 60_000);

  it('says in which window a long recording has been heard, and comes to its end', async () => {
    const recognizer = await Recognizer.load(model, { threads: 1, decoder: { language: 'de', fallBack: false } });
    const done: number[] = [];
    const chunks = [sound(31, 8000, 1), sound(10, 8000, 2)];
    const { audioS, segments } = await transcribe(recognizer, chunks, { onProgress: (doneS) => done.push(doneS) });
    expect(audioS).toBeCloseTo(41, 6);
    expect(done.at(-1)).toBeCloseTo(41, 6);
    for (const { startS, endS } of segments) {
      expect(startS).toBeLessThanOrEqual(endS);
      expect(endS).toBeLessThanOrEqual(41 + 1e-6);
    }
    await recognizer.release();
  });

  it.each([
    [{ language: 'fr' }, /a language that the model knows was required \(en, de\), got fr/],
    [{ kind: 'beam' as const }, /the decoder greedy was required .* got beam/],
    [{ languageModelPath: 'x.arpa' }, /no language model was required/],
    [{ hotWords: { pin: 3 } }, /no hot words was required/],
    [{ marginS: -1 }, /a margin of 0 s or more was required of .* got -1/],
  ])('refuses %o', async (decoder, message) => {
    await expect(Recognizer.load(model, { decoder })).rejects.toThrow(message);
    await expect(encoderDecoder.describeDecoder(model.card, decoder)).rejects.toThrow(message);
  });

  it('tells decoders apart that give other texts', async () => {
    const keys = await Promise.all(
      [{}, { language: 'de' }, { fallBack: false }, { marginS: 4 }, { timestamps: true }].map(
        async (options) => (await encoderDecoder.describeDecoder(model.card, options)).key,
      ),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('gives the inputs of each run of a graph, for calibrating and comparing', async () => {
    for (const [name, count] of [
      ['encoder', 1],
      ['decoder', 2],
    ] as const) {
      const loaded = await openSession(model.graphs[name] as string, { threads: 1 });
      const feeds = await encoderDecoder.openFeeds(model, name, loaded);
      let runs = 0;
      for await (const inputs of feeds.of(sound(1))) {
        await loaded.run(inputs);
        runs++;
      }
      expect(runs).toBeGreaterThanOrEqual(count);
      await feeds.release();
      await loaded.release();
    }
  });
});

describe('a short window', () => {
  it('is heard again as a whole where the text is doubtful, and only then', async () => {
    const heard: number[] = [];
    const watched: SpeechGraphs = {
      fixedFrames: undefined,
      vocabulary: graphs.vocabulary,
      encode: async (values, shape) => {
        heard.push(shape[2]);
        return await graphs.encode(values, shape);
      },
      begin: (encoded) => graphs.begin(encoded),
      step: async (tokens, state, read) => await graphs.step(tokens, state, read),
      release: async () => undefined,
    };
    const parts = await openSpeech(
      model,
      async () => watched,
      () => performance.now(),
    );
    // Random weights are sure of nothing: far below a mean log-probability of −1.
    const options = { language: 'en', timestamps: false, frames: 300 };
    await new WindowHearer(parts).hear([sound(1)], { ...options, fallBack: true });
    expect(heard).toEqual([300, 3000]);
    heard.length = 0;
    await new WindowHearer(parts).hear([sound(1)], { ...options, fallBack: false });
    expect(heard).toEqual([300]);
  });
});
