/**
 * Whisper as quantlab runs it, beside the runtimes that one would pick instead: the same weights, recordings and normaliser.
 *
 *     npm run bench:build
 *     node dist/bench/whisper/whisper.js --weights CT2_FOLDER --recordings MANIFEST.jsonl --folder WORK --python PYTHON
 *
 * PYTHON has the packages of bench/whisper/requirements.txt. Each condition is a process of its own that stays alive; a
 * recording goes through all of them, in an order that turns, before the next does, and a ratio is taken within a recording.
 * Greedy, temperature 0, without timestamps, nothing heard twice. Writes WORK/result.json, with every observation, and
 * WORK/result.md. A peer that cannot be had is named with the reason, and the rest goes on.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readAudio, readManifest } from 'quantlab';
import { type Condition, type Missing, makeConditions, modelBytes } from './conditions.js';
import { drawn, type Heard, type Result, summaryTable } from './summary.js';
import { Worker } from './worker.js';

const { values } = parseArgs({
  options: {
    weights: { type: 'string' },
    recordings: { type: 'string' },
    folder: { type: 'string' },
    python: { type: 'string' },
    threads: { type: 'string', default: '2,1' },
    // All, or so many drawn by the seed; with a limit in minutes the rest is left out when the time is over.
    count: { type: 'string' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    margin: { type: 'string', default: '4' },
    only: { type: 'string' },
  },
});
const { weights, recordings, folder, python } = values;
if (weights === undefined || recordings === undefined || folder === undefined || python === undefined) {
  throw new Error('--weights, --recordings, --folder and --python are required');
}
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const { conditions, missing } = await makeConditions({ weights, folder, python, marginS: values.margin });
const wanted = conditions.filter(({ name }) => values.only === undefined || new RegExp(values.only).test(name));
const utterances = drawn(await readManifest(recordings), values.count, Number(values.seed));
const sounds = join(folder, 'sounds');
await mkdir(sounds, { recursive: true });
const paths: string[] = [];
for (const { audioPath } of utterances) {
  const { samples, sampleRateHz } = await readAudio(audioPath);
  if (sampleRateHz !== 16_000) throw new Error(`${audioPath}: 16 kHz were required, got ${sampleRateHz} Hz`);
  const path = join(sounds, `${paths.length}.f32`);
  await writeFile(path, new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
  paths.push(path);
}

/** Has one recording after another heard by all conditions, on a number of threads. */
async function measure(threads: number, endsAt: number): Promise<Heard[]> {
  const heard: Heard[] = [];
  const workers = new Map<Condition, Worker>();
  try {
    for (const condition of wanted) {
      try {
        const env = { OMP_NUM_THREADS: String(threads), ORT_DISABLE_TELEMETRY: '1' };
        const worker = await Worker.start(condition.program, condition.args(threads), env);
        workers.set(condition, worker);
        // The first run of each is slower: memory is asked for, code is read.
        await worker.hear(paths[0] as string);
        versions.set(condition.name, worker.version);
      } catch (error) {
        workers.delete(condition);
        note({ name: condition.name, reason: (error as Error).message });
      }
    }
    for (const [index, path] of paths.entries()) {
      if (performance.now() > endsAt) {
        say(`${threads} threads: ${index} of ${paths.length} recordings, the time was over`);
        break;
      }
      const order = [...workers];
      for (const [condition, worker] of [
        ...order.slice(index % order.length),
        ...order.slice(0, index % order.length),
      ]) {
        heard.push({
          condition: condition.name,
          threads,
          id: utterances[index]?.id ?? '',
          ...(await worker.hear(path)),
        });
      }
      if (index % 10 === 9) say(`${threads} threads: ${index + 1} of ${paths.length} recordings`);
    }
  } finally {
    for (const worker of workers.values()) worker.end();
  }
  return heard;
}

const lacking = new Map<string, Missing>();
const versions = new Map<string, string>();
function note(one: Missing): void {
  if (!lacking.has(one.name)) say(`${one.name}: ${one.reason}`);
  lacking.set(one.name, one);
}
for (const one of missing) note(one);
const counts = values.threads.split(',').map(Number);
const heard: Heard[] = [];
for (const threads of counts) {
  const endsAt =
    values.minutes === undefined ? Number.POSITIVE_INFINITY : (Number(values.minutes) * 60_000) / counts.length;
  heard.push(...(await measure(threads, performance.now() + endsAt)));
}
const files: Record<string, number> = {};
for (const { name, files: own } of wanted) files[name] = await modelBytes(own);
const result: Result = {
  machine: `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}`,
  recordings: utterances.map(({ id, text }) => ({ id, text })),
  seed: values.count === undefined ? null : Number(values.seed),
  versions: Object.fromEntries(versions),
  fileBytes: files,
  missing: [...lacking.values()],
  heard,
};
await writeFile(join(folder, 'result.json'), `${JSON.stringify(result)}\n`);
const table = summaryTable(result);
await writeFile(join(folder, 'result.md'), table);
process.stdout.write(table);
