/**
 * The two directions of layers at the same time without processes: ONNX Runtime's parallel executor (two threads between operators, one
 * within) on a model whose bidirectional layers are written as two, beside the model as it is on one and two threads.
 *
 *     npm run bench:build
 *     node dist/bench/split/directions.js MODEL.onnx --folder WORK [--steps 400] [--runs 30]
 *
 * Prints the median of one recording, in ms.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { readModel, simplifyModel, splitDirections, writeModel } from 'quantlab/onnx';
import { madeUpSample } from './sample.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    folder: { type: 'string' },
    steps: { type: 'string', default: '400' },
    runs: { type: 'string', default: '30' },
  },
});
const [whole] = positionals;
if (whole === undefined || values.folder === undefined)
  throw new Error('a model and --folder were required, got one of them; name both');
const apart = join(values.folder, 'directions.onnx');
await writeModel(splitDirections(simplifyModel(await readModel(whole)).model).model, apart);
const sample = await madeUpSample(whole, Number(values.steps));
const feeds = Object.fromEntries(
  Object.entries(sample).map(([name, { type, shape, data }]) => [
    name,
    new Tensor(type as 'float32', data as Float32Array, shape),
  ]),
);
const one = { intraOpNumThreads: 1, interOpNumThreads: 1 } as const;
const ways = [
  ['whole, 1 thread', whole, one],
  ['whole, 2 threads', whole, { ...one, intraOpNumThreads: 2 }],
  ['directions apart, 1 thread', apart, one],
  ['directions apart, 2 threads', apart, { ...one, intraOpNumThreads: 2 }],
  ['directions apart, parallel executor', apart, { ...one, interOpNumThreads: 2, executionMode: 'parallel' }],
] as const;
for (const [name, path, options] of ways) {
  // One session at a time: threads of another would go on spinning.
  const session = await InferenceSession.create(path, options);
  const times: number[] = [];
  for (let run = -2; run < Number(values.runs); run++) {
    const started = performance.now();
    await session.run(feeds);
    if (run >= 0) times.push(performance.now() - started);
  }
  await session.release();
  const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)] as number;
  process.stdout.write(`${name}\t${median.toFixed(1)}\n`);
}
