// A Whisper behind the service. What openai-whisper makes of a prompt: `initial_prompt` in whisper/transcribe.py, `_get_initial_tokens`
// in whisper/decoding.py.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createRandom } from '../../src/random.js';
import { importModel } from '../../src/recognise/import/importModel.js';
import { Recognizer } from '../../src/recognise/recognizer.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import { type Transcript, transcribeFile } from '../../src/recognise/transcribe.js';
import { encodeWav } from '../../src/speech/audio/encodeWav.js';
import { smallConfig, writeHuggingFaceFolder } from '../recognise/import/randomWhisper.js';
import { AUDIO, type Started, startService } from './start.js';

const SLOW_MS = 120_000;
const folder = mkdtempSync(join(tmpdir(), 'quantlab-served-'));
afterAll(() => rmSync(folder, { recursive: true }));

function clientOf({ url }: Started): OpenAI {
  return new OpenAI({ apiKey: 'none', baseURL: `${url}/v1`, maxRetries: 0 });
}

describe('a Whisper with random weights', () => {
  const model = join(folder, 'own');
  const path = join(folder, 'noise.wav');
  let started: Started;
  let recognizer: Recognizer;

  beforeAll(async () => {
    writeHuggingFaceFolder(join(folder, 'hf'), smallConfig({ max_target_positions: 48 }));
    await importModel(join(folder, 'hf'), model);
    const { next } = createRandom(1);
    const samples = Float32Array.from({ length: 3 * 16_000 }, () => next() - 0.5);
    writeFileSync(path, encodeWav({ samples, sampleRateHz: 16_000 }));
    started = await startService({ models: [model] });
    recognizer = await Recognizer.load(await resolveModel(model), { threads: 1 });
  }, SLOW_MS);

  afterAll(async () => {
    await started?.service.close();
    await recognizer?.release();
  }, SLOW_MS);

  const ask = async (options: object): Promise<unknown> =>
    await clientOf(started).audio.transcriptions.create({
      ...{ file: await toFile(readFileSync(path), 'noise.wav'), model: '' },
      ...options,
    } as OpenAI.Audio.TranscriptionCreateParamsNonStreaming);

  const hearHere = async (guide: { prompt?: string; language?: string } = {}): Promise<Transcript> =>
    await transcribeFile(await recognizer.guided(guide), path);

  it(
    'is heard as outside the service, whatever the form',
    async () => {
      const { text, segments, language } = await hearHere();
      expect(await ask({})).toMatchObject({ text });
      const verbose = (await ask({ response_format: 'verbose_json' })) as OpenAI.Audio.TranscriptionVerbose;
      expect(verbose).toMatchObject({ text, language, duration: 3 });
      expect(['en', 'de']).toContain(language);
      expect(verbose.segments?.map(({ start, end }) => [start, end])).toEqual(
        segments.map(({ startS, endS }) => [startS, endS]),
      );
      expect(await ask({ response_format: 'vtt' })).toMatch(/^WEBVTT\n/);
      await expect(ask({ response_format: 'verbose_json', timestamp_granularities: ['word'] })).rejects.toThrow(
        /does not tell when each word was said/,
      );
    },
    SLOW_MS,
  );

  it(
    'takes a prompt and a language, and says which it does not know',
    async () => {
      const german = await hearHere({ language: 'de' });
      expect(await ask({ language: 'de', response_format: 'verbose_json' })).toMatchObject({
        ...{ text: german.text, language: 'de' },
      });
      // Random weights may say the same after one prompt, not after each.
      const { text: plain } = await hearHere();
      const heard: (readonly [string, string])[] = [];
      for (const prompt of ['said before', 'zzzz', '1 2 3', 'Q'])
        heard.push([prompt, (await hearHere({ prompt })).text]);
      const [prompt, text] = heard.find((one) => one[1] !== plain) ?? [];
      expect(text).toBeTypeOf('string');
      expect(await ask({ prompt })).toMatchObject({ text });
      await expect(ask({ language: 'fr' })).rejects.toMatchObject({
        status: 400,
        message: /a language that the model/,
      });
      await expect(ask({ prompt: '<|endoftext|>' })).rejects.toMatchObject({ status: 400, message: /^400 prompt:/ });
    },
    SLOW_MS,
  );

  it(
    'tells its text as a stream of events, and of sound while it is spoken',
    async () => {
      const { text } = await hearHere();
      const stream = await clientOf(started).audio.transcriptions.create({
        ...{ file: await toFile(readFileSync(path), 'noise.wav'), model: 'whisper-1', stream: true },
      });
      let told = '';
      for await (const event of stream) if (event.type === 'transcript.text.delta') told += event.delta;
      expect(told).toBe(
        text
          .split(' ')
          .filter((word) => word !== '')
          .join(' '),
      );
      const types: string[] = [];
      const socket = new WebSocket(`${started.url.replace('http', 'ws')}/v1/realtime?intent=transcription`);
      socket.on('message', (data: Buffer) =>
        types.push((JSON.parse(data.toString()) as { readonly type: string }).type),
      );
      await new Promise((resolve) => socket.once('open', resolve));
      const session = { audio: { input: { format: { type: 'audio/pcm', rate: 16_000 }, turn_detection: null } } };
      socket.send(JSON.stringify({ type: 'session.update', session: { type: 'transcription', ...session } }));
      // The samples behind the head of 44 bytes.
      socket.send(readFileSync(path).subarray(44));
      socket.send(JSON.stringify({ type: 'input_audio_buffer.commit' }));
      await vi.waitFor(() => expect(types.at(-1)).toMatch(/\.completed$/), { timeout: 60_000, interval: 50 });
      socket.close();
    },
    SLOW_MS,
  );
});

const WEIGHTS = process.env['QUANTLAB_WHISPER'];

describe.skipIf(WEIGHTS === undefined)(
  'tiny.en, served (skipped without QUANTLAB_WHISPER, a CTranslate2 folder)',
  () => {
    let started: Started;

    beforeAll(async () => {
      await importModel(WEIGHTS as string, join(folder, 'tiny'));
      started = await startService({ models: [join(folder, 'tiny')] });
    }, SLOW_MS);

    afterAll(async () => {
      await started?.service.close();
    }, SLOW_MS);

    it(
      'writes a name as the prompt before it does',
      async () => {
        const ask = async (options: object): Promise<string> => {
          const file = await toFile(readFileSync(join(AUDIO, 'agent-pass.flac')), 'a.flac');
          const asked = { file, model: '', ...options } as OpenAI.Audio.TranscriptionCreateParamsNonStreaming;
          return (await clientOf(started).audio.transcriptions.create(asked)).text;
        };
        const plain = await ask({ language: 'en' });
        const shouted = await ask({
          prompt: 'THE AGENT IS HERE. PLEASE ENTER YOUR PASSWORD, THEN PRESS THE POUND KEY.',
        });
        expect(shouted).not.toBe(plain);
        expect(shouted.toLowerCase().replaceAll(/[^a-z ]/g, '')).toBe(plain.toLowerCase().replaceAll(/[^a-z ]/g, ''));
      },
      SLOW_MS,
    );
  },
);
