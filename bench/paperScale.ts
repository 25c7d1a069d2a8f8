/**
 * All metrics but accuracy of models at paper scale, with random weights: 5 × LSTM 1024, 5 × GRU 1024, and the sources' own form,
 * residual convolutions before 5 × GRU 512; each in float32 and by the hybrid recipe.
 *
 *     npm run bench:build
 *     node dist/bench/paperScale.js --folder WORK [--trials 24] [--threads 2]
 *
 * `WORK` takes about 1 GB of models, which are kept, and the run (`WORK/run`). A killed run is gone on with.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runExperiment } from 'quantlab';
import { type Condition, DEFAULT_PROTOCOL, defaultThreads } from 'quantlab/measure';
import type { DeepSpeech2Options } from 'quantlab/onnx';
import { buildModel } from 'quantlab/recognise';
import { buildAnswerTable, tableToText } from 'quantlab/report';

const MODELS: Readonly<Record<string, DeepSpeech2Options>> = {
  lstm: { cell: 'lstm', layers: 5, units: 1024 },
  gru: { cell: 'gru', layers: 5, units: 1024 },
  residual: { front: 'residual', cell: 'gru', layers: 5, units: 512 },
};

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    trials: { type: 'string', default: '24' },
    threads: { type: 'string' },
  },
});
const folder = values.folder;
if (folder === undefined)
  throw new Error('--folder: a folder for about 1 GB of models was required, got none; name one');
const trials = Number(values.trials);
const threads = values.threads === undefined ? await defaultThreads() : Number(values.threads);

mkdirSync(folder, { recursive: true });
const conditions: Condition[] = [];
for (const [name, options] of Object.entries(MODELS)) {
  const model = join(folder, `${name}.onnx`);
  if (!existsSync(model)) await buildModel(model, options);
  for (const [title, recipe] of [
    ['float32', 'none'],
    ['hybrid', 'hybrid'],
  ] as const) {
    conditions.push({ id: `${name}-${title}`, title: `${name} ${title}`, model, recipe, device: 'cpu', threads });
  }
}
const out = join(folder, 'run');
const summary = await runExperiment(
  {
    ...DEFAULT_PROTOCOL,
    latencyTrials: trials,
    throughputTrials: Math.max(2, Math.ceil(trials / 6)),
    batchSize: 4,
    accuracy: false,
    resources: { memoryRuns: 5, energyTrials: Math.max(2, Math.ceil(trials / 2)) },
    conditions,
  },
  {
    out,
    variantFolder: join(folder, 'variants'),
    resume: existsSync(join(out, 'run.json')),
    onProgress: ({ condition, phase, done, total }) =>
      process.stderr.write(`${condition}, ${phase}: ${done}/${total}\n`),
  },
);
process.stdout.write(tableToText(await buildAnswerTable(summary)));
