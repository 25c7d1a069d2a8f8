/**
 * Our side, in a process that stays alive: reads the path of a recording a line, hears it, answers a line of JSON.
 *
 *     node ours.js MODEL_FOLDER THREADS [MARGIN_S]
 *
 * As in the other conditions the likeliest token is taken and nothing is heard twice; with a margin the window is shorter,
 * and a text that is doubtful there is heard again in a whole window.
 */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { resolveModel } from 'quantlab';
import { Recognizer } from 'quantlab/recognise';
import { quantlabVersion } from '../peers/version.js';
import { peakMemoryMb } from '../quantizer/peakMemory.js';

const [folder = '', threads = '', margin] = process.argv.slice(2);
const answer = (fields: object): void => void process.stdout.write(`${JSON.stringify(fields)}\n`);
const recognizer = await Recognizer.load(await resolveModel(folder), {
  threads: Number(threads),
  decoder: margin === undefined ? { fallBack: false } : { fallBack: true, marginS: Number(margin) },
});
answer({ version: await quantlabVersion() });
for await (const line of createInterface({ input: process.stdin })) {
  const bytes = await readFile(line.trim());
  const samples = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const used = process.cpuUsage();
  const started = performance.now();
  const { text, timing } = await recognizer.recognize({ samples, sampleRateHz: 16_000 });
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(used);
  const parts = [timing.featuresMs, timing.inferenceMs, timing.decodingMs];
  answer({ ms, processorMs: (user + system) / 1000, text, peakBytes: peakMemoryMb() * 2 ** 20, parts });
}
await recognizer.release();
