/**
 * Sound that is heard while it is spoken (`WS /v1/realtime`) beside the same recordings as a whole (`POST /transcribe`): word errors of both, and
 * how long after the end of a turn its text is final.
 *
 *     npm run bench:build && node dist/bench/service/live.js [--manifest FILE.jsonl] [--model ID] [--recordings 40] [--clients 2]
 *       [--speed 1] [--workers 1] [--threads 1] [--silence 0.5]
 *
 * Each recording is a session of its own; its sound is sent in pieces of 0.1 s as fast as it was spoken, times the speed, and a second of silence
 * behind it. The delay counts from when the sound was sent in which the service noticed the end of a turn (`audio_end_ms`) to the final text;
 * the silence by which it notices comes before. Texts by Whisper's English normaliser. Prints JSON.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readManifest } from 'quantlab';
import { bootstrap, DEFAULT_MODEL, manifestPath } from 'quantlab/measure';
import { countWordEdits, createNormaliser, encodeWav, errorRate, readAudio } from 'quantlab/speech';
import { WebSocket } from 'ws';
import { type Started, startOurs } from './servers.js';

const { values } = parseArgs({
  options: {
    manifest: { type: 'string', default: manifestPath('holdout') },
    model: { type: 'string', default: DEFAULT_MODEL },
    recordings: { type: 'string', default: '40' },
    clients: { type: 'string', default: '2' },
    speed: { type: 'string', default: '1' },
    workers: { type: 'string', default: '1' },
    threads: { type: 'string', default: '1' },
    silence: { type: 'string', default: '0.5' },
  },
});
const PIECE_S = 0.1;
const END_S = 1;
const speed = Number(values.speed);
const normalise = createNormaliser('whisper');

interface Event {
  readonly type: string;
  readonly item_id?: string;
  readonly audio_end_ms?: number;
  readonly transcript?: string;
  readonly error?: { readonly code: string };
}

interface Heard {
  readonly text: string;
  /** Of each turn, in milliseconds. */
  readonly delaysMs: readonly number[];
}

/** Says a recording to the service. */
async function say(url: string, samples: Float32Array, rate: number): Promise<Heard> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/realtime`);
  const turns = new Map<string, { text?: string; endMs?: number; finalMs?: number }>();
  const turnOf = ({ item_id = '' }: Event): { text?: string; endMs?: number; finalMs?: number } => {
    const turn = turns.get(item_id) ?? {};
    turns.set(item_id, turn);
    return turn;
  };
  let isCommitted = false;
  let trouble: string | undefined;
  socket.on('message', (data: Buffer) => {
    const event = JSON.parse(data.toString()) as Event;
    if (event.type === 'input_audio_buffer.speech_stopped') turnOf(event).endMs = event.audio_end_ms ?? 0;
    if (event.type.endsWith('.completed'))
      Object.assign(turnOf(event), { text: event.transcript, finalMs: performance.now() });
    if (event.error?.code === 'input_audio_buffer_commit_empty') isCommitted = true;
    else if (event.error !== undefined) trouble = JSON.stringify(event.error);
    if (event.type === 'input_audio_buffer.committed' && isSent) isCommitted = true;
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const detection = { type: 'server_vad', silence_duration_ms: 1000 * Number(values.silence) };
  const input = { format: { type: 'audio/pcm', rate }, turn_detection: detection };
  socket.send(JSON.stringify({ type: 'session.update', session: { type: 'transcription', audio: { input } } }));
  const sound = new Int16Array(samples.length + END_S * rate);
  for (const [place, sample] of samples.entries())
    sound[place] = Math.round(Math.max(-1, Math.min(1, sample)) * 32_767);
  const piece = Math.round(PIECE_S * rate);
  const sentMs: number[] = [];
  let isSent = false;
  const started = performance.now();
  for (let from = 0; from < sound.length; from += piece) {
    // A piece can only be sent when all of it was spoken.
    const due = started + ((from + piece) / rate / speed) * 1000;
    await sleep(Math.max(0, due - performance.now()));
    sentMs.push(performance.now());
    socket.send(new Uint8Array(sound.buffer, 2 * from, 2 * Math.min(piece, sound.length - from)));
  }
  isSent = true;
  socket.send(JSON.stringify({ type: 'input_audio_buffer.commit' }));
  const isOver = (): boolean => isCommitted && [...turns.values()].every(({ finalMs }) => finalMs !== undefined);
  while (!isOver() && trouble === undefined && socket.readyState === socket.OPEN) await sleep(5);
  if (!isOver()) throw new Error(`${url}: all turns were required, got ${trouble ?? 'the end of the connection'}`);
  socket.close();
  const heard = [...turns.values()];
  return {
    text: heard.map(({ text }) => text).join(' '),
    delaysMs: heard.map(({ endMs = 0, finalMs = 0 }) => {
      const last = Math.min(sentMs.length, Math.ceil(endMs / (PIECE_S * 1000))) - 1;
      return finalMs - (sentMs[Math.max(0, last)] as number);
    }),
  };
}

async function hearWhole(url: string, samples: Float32Array, sampleRateHz: number): Promise<string> {
  const body = new Uint8Array(encodeWav({ samples, sampleRateHz }));
  const answer = await fetch(`${url}/transcribe`, { method: 'POST', body });
  if (!answer.ok) throw new Error(`${url}: a transcript was required, got ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { readonly text: string }).text;
}

/** Evenly spread over the manifest. */
async function chosen(): Promise<Awaited<ReturnType<typeof readManifest>>> {
  const all = await readManifest(values.manifest);
  const count = Math.min(all.length, Number(values.recordings));
  return Array.from({ length: count }, (_, n) => all[Math.floor((n * all.length) / count)] as (typeof all)[number]);
}

function rateOf(pairs: readonly (readonly [string, string])[]): Record<string, number> {
  const counts = pairs.map(([reference, text]) => countWordEdits(reference, text));
  const { value, low, high } = bootstrap(counts.length, (indices) =>
    errorRate([...indices].map((index) => counts[index] as (typeof counts)[number])),
  );
  return { percent: 100 * value, low: 100 * low, high: 100 * high };
}

const how = { workers: Number(values.workers), threads: Number(values.threads) };
const server: Started = await startOurs('quantlab serve', values.model, 8196, how);
try {
  const utterances = await chosen();
  const heard: { reference: string; whole: string; streamed: string; delaysMs: readonly number[] }[] = [];
  let next = 0;
  const client = async (): Promise<void> => {
    for (let utterance = utterances[next++]; utterance !== undefined; utterance = utterances[next++]) {
      const { samples, sampleRateHz } = await readAudio(utterance.audioPath);
      const whole = normalise(await hearWhole(server.url, samples, sampleRateHz));
      const { text, delaysMs } = await say(server.url, samples, sampleRateHz);
      heard.push({ reference: normalise(utterance.text), whole, streamed: normalise(text), delaysMs });
    }
  };
  await Promise.all(Array.from({ length: Number(values.clients) }, client));
  const delays = heard.flatMap(({ delaysMs }) => delaysMs).sort((a, b) => a - b);
  const delayAt = (share: number): number => Math.round(delays[Math.floor(share * (delays.length - 1))] ?? Number.NaN);
  const report = {
    ...{
      model: values.model,
      recordings: heard.length,
      turns: delays.length,
      clients: Number(values.clients),
      speed,
      ...how,
    },
    wholeWer: rateOf(heard.map(({ reference, whole }) => [reference, whole])),
    streamedWer: rateOf(heard.map(({ reference, streamed }) => [reference, streamed])),
    wordsThatDiffer: rateOf(heard.map(({ whole, streamed }) => [whole, streamed])),
    delayMs: { median: delayAt(0.5), p95: delayAt(0.95), most: delayAt(1) },
    silenceMs: 1000 * Number(values.silence),
  };
  process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);
} finally {
  await server.stop();
}
