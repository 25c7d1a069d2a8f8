import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { WebSocket } from '@fastify/websocket';
import { encodeWav } from '../../speech/audio/encodeWav.js';
import type { Audio } from '../../speech/types.js';
import { RequestError, refusalOf } from '../answers/refusal.js';
import { clientGone } from '../flights.js';
import type { Service } from '../routes/route.js';
import { type ClientWish, readEvent, SESSION_DEFAULTS, type SessionSettings } from './clientEvents.js';
import { LiveListener } from './listener.js';

/** Windows that may wait before the client is not read any further. */
const MOST_WAITING = 4;
const CONTENT = { content_index: 0 } as const;

/** One client that speaks: OpenAI's realtime transcription, over a WebSocket. */
export class LiveSession {
  readonly #socket: WebSocket;
  readonly #service: Service;
  readonly #client: string;
  readonly #id = `sess_${randomUUID()}`;
  readonly #gone = new AbortController();
  #settings: SessionSettings;
  #listener: LiveListener;
  #items: string[] = [];
  #heardS = 0;

  constructor(socket: WebSocket, service: Service, client: string, model: string | undefined) {
    this.#socket = socket;
    this.#service = service;
    this.#client = client;
    this.#settings = { ...SESSION_DEFAULTS, model };
    this.#listener = this.#listen();
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#hear(data, isBinary));
    socket.on('close', () => this.#gone.abort(clientGone()));
    socket.on('error', () => this.#gone.abort(clientGone()));
    this.#send('session.created', { session: this.#shown() });
  }

  #hear(data: Buffer, isBinary: boolean): void {
    try {
      this.#do(isBinary ? { kind: 'sound', bytes: data } : readEvent(data.toString('utf8'), this.#settings));
    } catch (error) {
      const { body } = refusalOf(error);
      this.#send('error', { error: { ...body.error, event_id: null } });
    }
  }

  #do(wish: ClientWish): void {
    switch (wish.kind) {
      case 'settings':
        this.#service.transcriber.models.get(wish.settings.model);
        this.#settings = wish.settings;
        this.#listener = this.#listen();
        this.#items = [];
        this.#send(wish.isBeta ? 'transcription_session.updated' : 'session.updated', { session: this.#shown() });
        return;
      case 'sound':
        this.#take(wish.bytes);
        return;
      case 'commit':
        if (this.#listener.commit() === undefined) {
          const message = 'input_audio_buffer: sound was required, got none since the last turn; append some';
          throw new RequestError(message, { status: 400, code: 'input_audio_buffer_commit_empty' });
        }
        return;
      case 'clear':
        this.#listener.clear();
        this.#send('input_audio_buffer.cleared', {});
    }
  }

  #take(bytes: Uint8Array): void {
    const { sampleRateHz } = this.#settings;
    if (bytes.length % 2 !== 0) {
      const message = `sound: 16-bit samples were required, got ${bytes.length} bytes; send whole samples`;
      throw new RequestError(message, { status: 400, code: 'invalid_audio' });
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const samples = Float32Array.from(
      { length: bytes.length / 2 },
      (_, place) => view.getInt16(2 * place, true) / 32_768,
    );
    this.#heardS += samples.length / sampleRateHz;
    const { maximumS } = this.#service.settings;
    if (this.#heardS > maximumS) {
      this.#socket.close(1009, `at most ${maximumS} s of sound`);
      return;
    }
    const listener = this.#listener;
    listener.push(samples);
    if (listener.waiting < MOST_WAITING) return;
    this.#socket.pause();
    void listener.settled().then(() => this.#socket.resume());
  }

  #listen(): LiveListener {
    const item = (turn: number): { readonly item_id: string } => {
      this.#items[turn] ??= `item_${randomUUID()}`;
      return { item_id: this.#items[turn] as string };
    };
    const heard = 'conversation.item.input_audio_transcription';
    return new LiveListener(this.#settings, async (audio) => await this.#transcribe(audio), {
      onStarted: (turn, startS) => {
        this.#send('input_audio_buffer.speech_started', { ...item(turn), audio_start_ms: Math.round(startS * 1000) });
      },
      onStopped: (turn, endS) => {
        this.#send('input_audio_buffer.speech_stopped', { ...item(turn), audio_end_ms: Math.round(endS * 1000) });
        const previous = turn === 0 ? null : item(turn - 1).item_id;
        this.#send('input_audio_buffer.committed', { ...item(turn), previous_item_id: previous });
      },
      onDelta: (turn, delta) => this.#send(`${heard}.delta`, { ...item(turn), ...CONTENT, delta }),
      onFinal: (turn, transcript, audioS) => {
        const usage = { type: 'duration', seconds: audioS };
        this.#send(`${heard}.completed`, { ...item(turn), ...CONTENT, transcript, usage });
      },
      onFailed: (turn, error) => {
        if (this.#gone.signal.aborted) return;
        this.#send(`${heard}.failed`, { ...item(turn), ...CONTENT, error: refusalOf(error).body.error });
      },
    });
  }

  /** A window is a recording like others, in the same queue. */
  async #transcribe(audio: Audio): Promise<string> {
    const { transcriber, folder, metrics } = this.#service;
    const { model, prompt, language } = this.#settings;
    const path = folder.newPath();
    const started = performance.now();
    try {
      const file = await open(path, 'wx');
      await file.writeFile(encodeWav(audio)).finally(() => file.close());
      const { text, audioS } = await transcriber.workers.run({
        model: transcriber.models.get(model),
        path,
        hearing: { prompt, language },
        client: this.#client,
        signal: this.#gone.signal,
      });
      metrics.transcribed((performance.now() - started) / 1000, audioS);
      return text;
    } finally {
      await folder.remove(path);
    }
  }

  #shown(): Record<string, unknown> {
    const { model, prompt, language, sampleRateHz, silenceS, prefixS } = this.#settings;
    const vad = { silence_duration_ms: (silenceS ?? 0) * 1000, prefix_padding_ms: prefixS * 1000 };
    const turns = silenceS === null ? null : { type: 'server_vad', ...vad };
    const { id } = this.#service.transcriber.models.get(model);
    const input = {
      format: { type: 'audio/pcm', rate: sampleRateHz },
      transcription: { model: id, prompt: prompt ?? '', language: language ?? null },
      turn_detection: turns,
    };
    return { id: this.#id, object: 'realtime.transcription_session', type: 'transcription', audio: { input } };
  }

  #send(type: string, content: Record<string, unknown>): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(JSON.stringify({ event_id: `event_${randomUUID()}`, type, ...content }));
  }
}
