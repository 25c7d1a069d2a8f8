/**
 * All metrics but accuracy of models at paper scale, with random weights: 5 × LSTM 1024, 5 × GRU 1024, and the sources' own form,
 * residual convolutions before 5 × GRU 512; each in float32 and by the hybrid recipe, the LSTM by the dynamic one, too, which has no form
 * of GRU.
 *
 *     npm run bench:build
 *     node dist/bench/paperScale.js --folder WORK [--out RUN] [--trials 48] [--threads 2] [--wait-until-quiet 30]
 *
 * `WORK` takes about 1 GB of models, which are kept; the run goes to `data/results/paper-scale`, from which `quantlab report` puts it into
 * the write-up. A killed run is gone on with.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runExperiment } from 'quantlab';
import { type Condition, DEFAULT_PROTOCOL, defaultThreads, untilQuiet } from 'quantlab/measure';
import type { DeepSpeech2Options } from 'quantlab/onnx';
import { buildModel } from 'quantlab/recognise';
import { buildAnswerTable, tableToMarkdown, tableToText } from 'quantlab/report';

const MODELS: Readonly<Record<string, { readonly title: string; readonly options: DeepSpeech2Options }>> = {
  lstm: { title: '5 × LSTM 1024', options: { cell: 'lstm', layers: 5, units: 1024 } },
  gru: { title: '5 × GRU 1024', options: { cell: 'gru', layers: 5, units: 1024 } },
  residual: { title: 'residual, 5 × GRU 512', options: { front: 'residual', cell: 'gru', layers: 5, units: 512 } },
};
const RECIPES: Readonly<Record<string, readonly string[]>> = {
  lstm: ['none', 'dynamic', 'hybrid'],
  gru: ['none', 'hybrid'],
  residual: ['none', 'hybrid'],
};

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    out: { type: 'string', default: join('data', 'results', 'paper-scale') },
    trials: { type: 'string', default: '48' },
    threads: { type: 'string' },
    'wait-until-quiet': { type: 'string' },
  },
});
const { folder } = values;
if (folder === undefined)
  throw new Error('--folder: a folder for about 1 GB of models was required, got none; name one');
const [out, trials] = [resolve(values.out), Number(values.trials)];
const threads = values.threads === undefined ? await defaultThreads() : Number(values.threads);

mkdirSync(folder, { recursive: true });
// The run names its models as they lie in this folder, wherever that is.
process.chdir(folder);
const conditions: Condition[] = [];
for (const [name, { title, options }] of Object.entries(MODELS)) {
  const model = `${name}.onnx`;
  if (!existsSync(model)) await buildModel(model, options);
  for (const recipe of RECIPES[name] ?? []) {
    const id = recipe === 'none' ? `${name}-float32` : `${name}-${recipe}`;
    const form = { none: 'float32', dynamic: 'int8', hybrid: 'int8 hybrid' }[recipe];
    conditions.push({ id, title: `${title}, ${form}`, model, recipe, device: 'cpu', threads });
  }
}
if (values['wait-until-quiet'] !== undefined) await untilQuiet(Number(values['wait-until-quiet']));
const summary = await runExperiment(
  {
    ...DEFAULT_PROTOCOL,
    starts: 3,
    latencyTrials: trials,
    throughputTrials: Math.max(3, Math.ceil(trials / 8)),
    batchSize: 4,
    accuracy: false,
    resources: { memoryRuns: 5, energyTrials: Math.max(2, Math.ceil(trials / 4)) },
    conditions,
  },
  {
    out,
    variantFolder: 'variants',
    resume: existsSync(join(out, 'run.json')),
    onProgress: ({ condition, phase, done, total }) =>
      process.stderr.write(`${condition}, ${phase}: ${done}/${total}\n`),
  },
);
const table = await buildAnswerTable(summary);
writeFileSync(join(out, 'table.md'), tableToMarkdown(table));
process.stdout.write(tableToText(table));
