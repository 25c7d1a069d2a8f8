// OpenAI's realtime transcription, https://platform.openai.com/docs/guides/realtime-transcription, by its own client and by plain WebSockets.
import { connect } from 'node:net';
import { join } from 'node:path';
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Agreement } from '../../src/service/live/agreement.js';
import { Endpointer } from '../../src/service/live/endpointer.js';
import { readAudio } from '../../src/speech/audio/audio.js';
import { heardIn } from '../fixtures/model/reference.js';
import { AUDIO, type Started, startService } from './start.js';

const RATE_HZ = 8000;
const PATIENCE = { timeout: 60_000, interval: 20 };

interface Event {
  readonly type: string;
  readonly item_id?: string;
  readonly delta?: string;
  readonly transcript?: string;
  readonly error?: { readonly code: string };
}

/** Prompts of the hold-out with a second of silence after each, as 16-bit samples. */
async function spoken(...ids: readonly string[]): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const id of ids) {
    const { samples } = await readAudio(join(AUDIO, `${id}.flac`));
    const bytes = Buffer.alloc(2 * (samples.length + RATE_HZ));
    for (const [place, sample] of samples.entries()) bytes.writeInt16LE(Math.round(sample * 32_767), 2 * place);
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

describe('WS /v1/realtime', () => {
  let started: Started;
  const key = 'a-key-of-more-than-sixteen-letters';

  beforeAll(async () => {
    started = await startService({ keys: [key] });
  }, 60_000);

  afterAll(async () => {
    await started?.service.close();
  }, 60_000);

  function open(path = '/v1/realtime?intent=transcription'): { readonly socket: WebSocket; readonly events: Event[] } {
    const events: Event[] = [];
    const headers = { authorization: `Bearer ${key}` };
    const socket = new WebSocket(`${started.url.replace('http', 'ws')}${path}`, { headers });
    socket.on('message', (data: Buffer) => events.push(JSON.parse(data.toString()) as Event));
    socket.on('error', () => undefined);
    return { socket, events };
  }

  const completed = (events: readonly Event[]): (string | undefined)[] =>
    events.filter(({ type }) => type.endsWith('.completed')).map(({ transcript }) => transcript);

  it("hears what OpenAI's client sends, a turn for each silence", async () => {
    const client = new OpenAI({ apiKey: key, baseURL: `${started.url}/v1` });
    const port = Number(new URL(started.url).port);
    // The client asks for TLS, which a proxy ends; here there is none.
    const options = { createConnection: () => connect(port, '127.0.0.1') } as object;
    const realtime = new OpenAIRealtimeWS({ model: 'deepspeech2-lstm', options }, client);
    const events: Event[] = [];
    realtime.on('event', (event) => events.push(event as unknown as Event));
    await vi.waitFor(() => expect(events.map(({ type }) => type)).toEqual(['session.created']), PATIENCE);
    const input = { format: { type: 'audio/pcm' as const, rate: RATE_HZ as 24000 } };
    realtime.send({ type: 'session.update', session: { type: 'transcription', audio: { input } } });
    const sound = await spoken('added', 'activated');
    for (let from = 0; from < sound.length; from += 3200) {
      const audio = sound.subarray(from, from + 3200).toString('base64');
      realtime.send({ type: 'input_audio_buffer.append', audio });
    }
    await vi.waitFor(() => expect(completed(events)).toHaveLength(2), PATIENCE);
    // The second turn begins with other silence than its recording does: a letter may be heard otherwise.
    const [first, second = ''] = completed(events);
    expect(first).toBe(heardIn('added'));
    expect(second).toMatch(/^a[a-z ]*t[a-z ]*$/);
    const kinds = events.map(({ type }) => type).filter((type) => !type.endsWith('.delta'));
    expect(kinds.filter((type) => type.startsWith('input_audio_buffer'))).toEqual([
      ...['input_audio_buffer.speech_started', 'input_audio_buffer.speech_stopped', 'input_audio_buffer.committed'],
      ...['input_audio_buffer.speech_started', 'input_audio_buffer.speech_stopped', 'input_audio_buffer.committed'],
    ]);
    realtime.close();
  }, 120_000);

  it('takes bytes as they are, tells words before the end of a turn, and hears turns of any length', async () => {
    const { socket, events } = open();
    await vi.waitFor(() => expect(events).toHaveLength(1), PATIENCE);
    const turns = { audio: { input: { format: { type: 'audio/pcm', rate: RATE_HZ }, turn_detection: null } } };
    socket.send(JSON.stringify({ type: 'session.update', session: { type: 'transcription', ...turns } }));
    const ids = ['agent-pass', 'added', 'activated'];
    // No turn ends by itself: 25 s are one, in two windows.
    const sound = await spoken(...ids, ...ids, ...ids);
    for (let from = 0; from < sound.length; from += 16_000) socket.send(sound.subarray(from, from + 16_000));
    await vi.waitFor(() => expect(events.some(({ type }) => type.endsWith('.delta'))).toBe(true), PATIENCE);
    expect(completed(events)).toEqual([]);
    socket.send(JSON.stringify({ type: 'input_audio_buffer.commit' }));
    await vi.waitFor(() => expect(completed(events)).toHaveLength(1), PATIENCE);
    const words = new Set(completed(events)[0]?.split(' '));
    for (const id of ids)
      expect(
        heardIn(id)
          .split(' ')
          .some((word) => words.has(word)),
      ).toBe(true);
    socket.close();
  }, 120_000);

  it('refuses what it does not know, and stays', async () => {
    const { socket, events } = open();
    await vi.waitFor(() => expect(events).toHaveLength(1), PATIENCE);
    for (const text of ['garbage', '{"type":"dance"}', '{"type":"input_audio_buffer.append","audio":"%%"}'])
      socket.send(text);
    socket.send(JSON.stringify({ type: 'input_audio_buffer.commit' }));
    socket.send(Buffer.from([1]));
    await vi.waitFor(() => expect(events).toHaveLength(6), PATIENCE);
    const codes = events.slice(1).map(({ error }) => error?.code);
    expect(codes).toEqual([...Array(3).fill('invalid_event'), 'input_audio_buffer_commit_empty', 'invalid_audio']);
    socket.close();
    const refused = async (path: string, authorization: string): Promise<number> =>
      await new Promise((resolve) => {
        const other = new WebSocket(`${started.url.replace('http', 'ws')}${path}`, { headers: { authorization } });
        other.on('unexpected-response', (_request, { statusCode }) => resolve(statusCode ?? 0));
        other.on('error', () => undefined);
        other.on('open', () => resolve(101));
      });
    expect(await refused('/v1/realtime', 'Bearer nothing')).toBe(401);
    expect(await refused('/v1/realtime?model=nothing', `Bearer ${key}`)).toBe(404);
  }, 60_000);
});

describe('Endpointer', () => {
  const noise = (seconds: number, level: number): Float32Array =>
    Float32Array.from({ length: seconds * RATE_HZ }, (_, n) => level * Math.sin(n * 0.7) * (n % 2 === 0 ? 1 : -1));

  it('tells speech from silence, also where silence is noisy, and from a click', () => {
    for (const level of [0, 0.01]) {
      const endpointer = new Endpointer(RATE_HZ, 0.5);
      const heard = [noise(6, level), noise(1, 0.3), noise(0.3, level), noise(1, 0.3), noise(1, level)].map(
        (samples) => [...endpointer.push(samples)],
      );
      // Noise that is there from the beginning is taken for speech until it is known.
      expect(heard).toEqual([level === 0 ? [] : ['started', 'stopped'], ['started'], [], [], ['stopped']]);
    }
    const endpointer = new Endpointer(RATE_HZ, 0.5);
    expect([...endpointer.push(noise(0.02, 0.9)), ...endpointer.push(noise(1, 0))]).toEqual([]);
  });
});

describe('Agreement', () => {
  it('tells words on which two hypotheses agree, once, and takes none back', () => {
    const agreement = new Agreement();
    const told = [
      'please en',
      'please enter you',
      'please enter your pass',
      'pleas enter your password',
      'please enter your password now',
    ];
    expect(told.map((text) => agreement.hear(text))).toEqual(['', 'please', ' enter', '', '']);
    expect(agreement.hear('please enter your password now')).toBe(' your password now');
  });
});
