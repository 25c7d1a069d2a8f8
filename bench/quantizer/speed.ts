/**
 * Speed of quantized models beside PyTorch's `quantize_dynamic` {LSTM, GRU, Linear} on the same random weights.
 *
 *     npm run bench:build && node dist/bench/quantizer/speed.js --folder WORK --python PYTHON \
 *         [--models lstm-5x1024,gru-5x1024,residual] [--threads 1,2] [--rounds 5] [--trials 5]
 *
 * PYTHON is one with torch, onnx and numpy. Each condition runs in a process of its own, one after another; a round runs
 * all of them, so that a change of the machine's load falls on all, and every other round in reverse. A ratio is the
 * median over the rounds of PyTorch's median time over ours in the same round; on a machine that others use, the ratio
 * of the least processor times of all runs says more. Two columns that are never mixed: eight bits throughout, and
 * below eight bits where it helps. Prints one JSON object.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { signalToErrorDb } from 'quantlab/compress';
import { median, pythonProgram, rounded, runJson, runNode } from './processes.js';
import { npyNumbers } from './samples.js';
import { FRAMES, prepareSubject, SUBJECTS, sizeMb } from './variants.js';

interface Times {
  readonly timesMs: readonly number[];
  readonly processorMs: readonly number[];
  readonly peakMemoryMb: number;
  readonly version?: string;
}

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    python: { type: 'string' },
    models: { type: 'string', default: Object.keys(SUBJECTS).join() },
    threads: { type: 'string', default: '1,2' },
    rounds: { type: 'string', default: '5' },
    trials: { type: 'string', default: '5' },
  },
});
const { folder, python } = values;
if (folder === undefined || python === undefined) throw new Error('--folder and --python are required');
await mkdir(folder, { recursive: true });

function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** The processor's time of the least disturbed run. */
function leastProcessorMs(all: readonly Times[]): number {
  return Math.min(...all.flatMap((one) => one.processorMs));
}

/** Times of each condition, round by round. */
async function measure(name: string, threads: number, rounds: number): Promise<Map<string, Times[]>> {
  const at = (file: string): string => join(folder ?? '', file);
  const features = at(`${name}.npy`);
  const torch = (kind: string): Promise<Times> =>
    runJson(python ?? '', [
      pythonProgram('torch_peer'),
      at(`${name}.onnx`),
      features,
      String(threads),
      values.trials,
      kind,
      at(`${name}.torch-${kind}.logits.npy`),
    ]);
  const ours = (variant: string): Promise<Times> =>
    runNode('runModel', [
      at(variant === 'float32' ? `${name}.onnx` : `${name}.${variant}.onnx`),
      features,
      String(FRAMES),
      String(threads),
      values.trials,
      at(`${name}.${variant}.logits.npy`),
    ]);
  const conditions: [string, () => Promise<Times>][] = [
    ['torch-int8', () => torch('int8')],
    ['int8', () => ours('int8')],
    ['below8', () => ours('below8')],
  ];
  const times = new Map<string, Times[]>(conditions.map(([condition]) => [condition, []]));
  await ours('float32').then((result) => times.set('float32', [result]));
  for (let round = 0; round < rounds; round++) {
    for (const [condition, run] of round % 2 === 0 ? conditions : conditions.toReversed()) {
      times.get(condition)?.push(await run());
    }
    const last = Array.from(
      times,
      ([condition, all]) => `${condition} ${median(all.at(-1)?.timesMs ?? []).toFixed(0)}`,
    );
    note(`${name}, ${threads} threads, round ${round + 1}: ${last.join(', ')} ms`);
  }
  return times;
}

const results = [];
for (const name of values.models.split(',')) {
  const subject = SUBJECTS[name];
  if (subject === undefined) throw new Error(`--models: ${Object.keys(SUBJECTS).join()} were required, got ${name}`);
  note(`${name}: preparing`);
  await prepareSubject(folder, name, subject);
  for (const threads of values.threads.split(',').map(Number)) {
    const times = await measure(name, threads, Number(values.rounds));
    const logits = async (condition: string): Promise<Float32Array> =>
      npyNumbers(await readFile(join(folder, `${name}.${condition}.logits.npy`)));
    const reference = await logits('float32');
    const rows: Record<string, object> = {};
    for (const [condition, all] of times) {
      const ratios = (pick: (one: Times) => readonly number[]): number[] =>
        all.map((one, round) => median(pick(times.get('torch-int8')?.[round] ?? one)) / median(pick(one)));
      rows[condition] = {
        medianMs: rounded(median(all.map((one) => median(one.timesMs))), 1),
        minMs: rounded(Math.min(...all.flatMap((one) => one.timesMs)), 1),
        processorMs: rounded(median(all.map((one) => median(one.processorMs))), 1),
        leastProcessorMs: rounded(leastProcessorMs(all), 1),
        peakMemoryMb: rounded(median(all.map((one) => one.peakMemoryMb)), 0),
        ...(condition === 'float32'
          ? {}
          : { signalToErrorDb: rounded(signalToErrorDb(reference, await logits(condition)), 1) }),
        ...(condition.startsWith('torch')
          ? { torch: all[0]?.version }
          : {
              sizeMb: rounded(
                await sizeMb(join(folder, condition === 'float32' ? `${name}.onnx` : `${name}.${condition}.onnx`)),
                1,
              ),
            }),
        ...(condition === 'int8' || condition === 'below8'
          ? {
              timesAsFast: rounded(median(ratios((one) => one.timesMs)), 2),
              timesAsFastByProcessorTime: rounded(median(ratios((one) => one.processorMs)), 2),
              timesAsFastByLeastProcessorTime: rounded(
                leastProcessorMs(times.get('torch-int8') ?? []) / leastProcessorMs(all),
                2,
              ),
              eachRound: ratios((one) => one.timesMs).map((ratio) => rounded(ratio, 2)),
            }
          : {}),
      };
    }
    results.push({ model: name, threads, ...rows });
  }
}
process.stdout.write(
  `${JSON.stringify({ frames: FRAMES, rounds: Number(values.rounds), trials: Number(values.trials), results }, null, 2)}\n`,
);
