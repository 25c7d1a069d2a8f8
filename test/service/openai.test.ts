// What OpenAI's own client (npm `openai`) makes of the service: the interface is its reference,
// https://platform.openai.com/docs/api-reference/audio/createTranscription.
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import OpenAI, { APIError, toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAudio } from '../../src/speech/audio/audio.js';
import { encodeWav } from '../../src/speech/audio/encodeWav.js';
import { heardIn } from '../fixtures/model/reference.js';
import { AUDIO, FAKE, type Started, startService } from './start.js';

const SLOW_START_MS = 60_000;
const KEY = 'a key of more than sixteen letters';
const ADDED = join(AUDIO, 'added.flac');

describe("OpenAI's client", () => {
  let started: Started;
  let client: OpenAI;

  beforeAll(async () => {
    started = await startService({ keys: [KEY.replaceAll(' ', '-')] });
    client = new OpenAI({ apiKey: KEY.replaceAll(' ', '-'), baseURL: `${started.url}/v1`, maxRetries: 0 });
  }, SLOW_START_MS);

  afterAll(async () => {
    await started?.service.close();
  }, SLOW_START_MS);

  const ask = async (options: object): Promise<unknown> =>
    await client.audio.transcriptions.create({
      ...{ file: createReadStream(ADDED), model: 'deepspeech2-lstm' },
      ...options,
    } as OpenAI.Audio.TranscriptionCreateParamsNonStreaming);

  it('gets a text, also by the name of a model of OpenAI', async () => {
    expect(await ask({})).toMatchObject({ text: heardIn('added'), usage: { type: 'duration' } });
    expect(await ask({ model: 'whisper-1', language: 'en', temperature: 0 })).toMatchObject({ text: heardIn('added') });
  });

  it('gets every format', async () => {
    expect(await ask({ response_format: 'text' })).toBe(`${heardIn('added')}\n`);
    // SubRip: a number, two times with a comma, the text.
    expect(await ask({ response_format: 'srt' })).toMatch(/^1\n00:00:00,\d{3} --> 00:00:00,\d{3}\n[a-z' ]+\n\n$/);
    // W3C, WebVTT, 4.1.
    expect(await ask({ response_format: 'vtt' })).toMatch(/^WEBVTT\n\n00:00\.\d{3} --> 00:00\.\d{3}\n[a-z' ]+\n\n$/);
    const verbose = (await ask({
      response_format: 'verbose_json',
      timestamp_granularities: ['word', 'segment'],
    })) as OpenAI.Audio.TranscriptionVerbose;
    expect(verbose.duration).toBeCloseTo(5785 / 8000, 6);
    expect(verbose.segments).toMatchObject([{ id: 0, seek: 0, start: 0, text: heardIn('added') }]);
    expect(verbose.words?.map(({ word }) => word).join(' ')).toBe(heardIn('added'));
    expect(verbose.words?.every(({ start, end }) => start < end && end <= verbose.duration + 0.1)).toBe(true);
  });

  it('gets segments of a long recording as they are heard, which together are its text', async () => {
    const audio = await readAudio(join(AUDIO, 'agent-pass.flac'));
    const samples = new Float32Array(audio.samples.length * 12);
    for (let n = 0; n < 12; n++) samples.set(audio.samples, n * audio.samples.length);
    const file = await toFile(encodeWav({ ...audio, samples }), 'long.wav');
    const stream = await client.audio.transcriptions.create({ file, model: 'deepspeech2-lstm', stream: true });
    const deltas: string[] = [];
    let text: string | undefined;
    for await (const event of stream) {
      if (event.type === 'transcript.text.delta') deltas.push(event.delta);
      if (event.type === 'transcript.text.done') text = event.text;
    }
    expect(deltas.length).toBeGreaterThan(1);
    expect(deltas.join('')).toBe(text);
    const whole = await client.audio.transcriptions.create({ file, model: 'deepspeech2-lstm' });
    expect(text).toBe(whole.text);
  });

  it('hears words of a prompt rather than others', async () => {
    // "added" is heard as it is without one (above); a boost of 10 makes another word of these letters likelier.
    const { text } = (await ask({ prompt: 'Adit, adit!' })) as { readonly text: string };
    expect(text.split(' ').every((word) => /^[a-z']+$/.test(word))).toBe(true);
  });

  it('lists the models', async () => {
    const { data } = await client.models.list();
    expect(data).toMatchObject([{ id: 'deepspeech2-lstm', object: 'model', owned_by: 'quantlab' }]);
    expect(await client.models.retrieve('deepspeech2-lstm')).toMatchObject({ id: 'deepspeech2-lstm' });
  });

  it('throws the errors that it knows', async () => {
    const refused = async (options: object): Promise<APIError> =>
      (await ask(options).catch((error: unknown) => error)) as APIError;
    expect(await refused({ model: 'nothing' })).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
    expect(await refused({ response_format: 'xml' })).toMatchObject({ status: 400, param: 'response_format' });
    expect(await refused({ temperature: 2 })).toMatchObject({ status: 400, param: 'temperature' });
    expect(await refused({ stream: true, response_format: 'srt' })).toMatchObject({ status: 400 });
    expect(await refused({ include: ['logprobs'] })).toMatchObject({ status: 400, code: 'unknown_parameter' });
    expect(await refused({ file: await toFile(Buffer.from('no sound'), 'x.wav') })).toMatchObject({ status: 400 });
    const other = new OpenAI({ apiKey: 'another', baseURL: `${started.url}/v1`, maxRetries: 0 });
    await expect(other.models.list()).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
    expect(await refused({ model: 'nothing' })).toBeInstanceOf(APIError);
  });

  it('answers programs without a form, a file or an end', async () => {
    const headers = { authorization: `Bearer ${KEY.replaceAll(' ', '-')}` };
    const post = async (
      body: string | FormData,
      type?: string,
    ): Promise<{ readonly status: number; readonly body: unknown }> => {
      const answer = await fetch(`${started.url}/v1/audio/transcriptions`, {
        ...{ method: 'POST', body, headers: { ...headers, ...(type !== undefined && { 'content-type': type }) } },
      });
      return { status: answer.status, body: await answer.json() };
    };
    expect(await post('{}', 'application/json')).toMatchObject({ status: 415 });
    const form = new FormData();
    form.append('model', 'deepspeech2-lstm');
    expect(await post(form)).toMatchObject({ status: 400, body: { error: { param: 'file' } } });
    expect(
      (
        await post(
          '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
          'multipart/form-data; boundary=x',
        )
      ).status,
    ).toBe(400);
    expect((await post('abc', 'multipart/form-data')).status).toBeLessThan(500);
  });
});

describe('a service with a limit', () => {
  it('refuses a file in a form that is too large', async () => {
    const { service, url } = await startService({ workerPath: FAKE, maximumBodyBytes: 1000 });
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(await readFile(ADDED))]), 'a.flac');
    const answer = await fetch(`${url}/v1/audio/transcriptions`, { method: 'POST', body: form });
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ error: { code: 'body_too_large' } });
    await service.close();
  }, 60_000);
});
