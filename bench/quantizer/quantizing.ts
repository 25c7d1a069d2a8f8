/**
 * Time and peak memory of quantizing a 346 MB model, beside ONNX Runtime's Python tool.
 *
 *     npm run bench:build && node dist/bench/quantizer/quantizing.js --folder WORK --python PYTHON [--rounds 5]
 *
 * PYTHON is one with onnxruntime and onnx. Both read a file, quantize its MatMul and LSTM to int8 with the same options,
 * and write a file, each in a process of its own, alternating; imports are left out of the time on both sides. A ratio
 * is the median over the rounds of ours over the peer's in the same round. Prints one JSON object.
 */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeModel } from 'quantlab';
import { buildDeepSpeech2 } from 'quantlab/onnx';
import { median, pythonProgram, rounded, runJson, runNode } from './processes.js';

interface Cost {
  readonly seconds: number;
  readonly processorSeconds: number;
  readonly peakMemoryMb: number;
  readonly version?: string;
}

const { values } = parseArgs({
  options: { folder: { type: 'string' }, python: { type: 'string' }, rounds: { type: 'string', default: '5' } },
});
const { folder, python } = values;
if (folder === undefined || python === undefined) throw new Error('--folder and --python are required');
await mkdir(folder, { recursive: true });
const input = join(folder, 'lstm-5x1024.onnx');
if (!existsSync(input)) await writeModel(buildDeepSpeech2(), input);
const output = join(folder, 'quantized.onnx');

const ours: Cost[] = [];
const peer: Cost[] = [];
const sides = [
  async () => void ours.push(await runNode<Cost>('quantizeModel', [input, output])),
  async () => void peer.push(await runJson<Cost>(python, [pythonProgram('onnxruntime_peer'), input, output])),
];
// The first run of each brings the file into the system's cache.
for (let round = 0; round <= Number(values.rounds); round++) {
  for (const run of round % 2 === 0 ? sides : sides.toReversed()) {
    await run();
    await rm(output, { force: true });
  }
  process.stderr.write(
    `round ${round}: ours ${ours.at(-1)?.seconds.toFixed(2)} s, peer ${peer.at(-1)?.seconds.toFixed(2)} s\n`,
  );
}
const timed = ours.slice(1);
const ratio = (pick: (cost: Cost) => number): number =>
  rounded(median(timed.map((cost, round) => pick(cost) / pick(peer[round + 1] ?? cost))), 3);
const describe = (costs: readonly Cost[]): object => ({
  seconds: rounded(median(costs.map((cost) => cost.seconds)), 2),
  processorSeconds: rounded(median(costs.map((cost) => cost.processorSeconds)), 2),
  peakMemoryMb: rounded(median(costs.map((cost) => cost.peakMemoryMb)), 0),
});
const result = {
  rounds: timed.length,
  quantlab: describe(timed),
  onnxruntime: { version: peer[0]?.version, ...describe(peer.slice(1)) },
  timeRatio: ratio((cost) => cost.seconds),
  processorTimeRatio: ratio((cost) => cost.processorSeconds),
  memoryRatio: ratio((cost) => cost.peakMemoryMb),
};
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
