/**
 * An hour of sound: how soon the first segment is told (`stream=true`), and how soon a client that leaves then has freed the process.
 *
 *     npm run bench:build && node dist/bench/service/hour.js [--model ID] [--trials 5] [--minutes 60]
 *
 * The hold-out is said again and again, as 16-bit WAV at 16 kHz; each trial sends it anew, waits for the first event, and hangs up. From the first
 * byte that is sent to the first event; from hanging up until `/metrics` says that no process is busy, which is asked every 10 ms, and until
 * `/readyz` says that one is ready. Prints JSON: milliseconds of each trial.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readManifest } from 'quantlab';
import { DEFAULT_MODEL, manifestPath } from 'quantlab/measure';
import { encodeWav, readAudio, resample } from 'quantlab/speech';
import { startOurs } from './servers.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: DEFAULT_MODEL },
    trials: { type: 'string', default: '5' },
    minutes: { type: 'string', default: '60' },
  },
});
const RATE_HZ = 16_000;
const said: Float32Array[] = [];
for (const { audioPath } of await readManifest(manifestPath('holdout'))) {
  const audio = await readAudio(audioPath);
  said.push(resample(audio.samples, audio.sampleRateHz, RATE_HZ));
}
const samples = new Float32Array(Number(values.minutes) * 60 * RATE_HZ);
for (let at = 0, n = 0; at < samples.length; n++) {
  const part = (said[n % said.length] as Float32Array).subarray(0, samples.length - at);
  samples.set(part, at);
  at += part.length;
}
const hour = new Blob([new Uint8Array(encodeWav({ samples, sampleRateHz: RATE_HZ }))]);

const { url, stop } = await startOurs('quantlab serve', values.model, 8195, { workers: 1, threads: 1 });

async function isFree(): Promise<boolean> {
  return /^quantlab_workers_busy 0$/m.test(await (await fetch(`${url}/metrics`)).text());
}

async function isReady(): Promise<boolean> {
  return (await fetch(`${url}/readyz`)).ok;
}

async function until(done: () => Promise<boolean>, from: number): Promise<number> {
  while (!(await done())) await sleep(10);
  return Math.round(performance.now() - from);
}

try {
  const trials: { readonly firstMs: number; readonly freeMs: number; readonly readyMs: number }[] = [];
  for (let trial = 0; trial < Number(values.trials); trial++) {
    const form = new FormData();
    form.set('file', hour, 'hour.wav');
    form.set('stream', 'true');
    const leaving = new AbortController();
    const started = performance.now();
    const answer = await fetch(`${url}/v1/audio/transcriptions`, {
      method: 'POST',
      body: form,
      signal: leaving.signal,
    });
    if (!answer.ok) throw new Error(`events were required, got ${answer.status} ${await answer.text()}`);
    await answer.body?.getReader().read();
    const firstMs = Math.round(performance.now() - started);
    const left = performance.now();
    leaving.abort();
    const freeMs = await until(isFree, left);
    trials.push({ firstMs, freeMs, readyMs: await until(isReady, left) });
  }
  process.stdout.write(
    `${JSON.stringify({ model: values.model, minutes: Number(values.minutes), trials }, null, 1)}\n`,
  );
} finally {
  await stop();
}
