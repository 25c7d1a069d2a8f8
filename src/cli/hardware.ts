import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { InputError } from '../errors.js';
import { type MachineLimits, measureHardware, threadCounts } from '../measure/machine/hardware.js';
import { checkProviders, type ProviderCheck } from '../measure/machine/providers.js';
import { measureRoofline } from '../measure/machine/roofline.js';
import { type RooflineRow, rooflineFigure } from '../report/figures/rooflineFigure.js';
import { columns, tableOf } from './columns.js';
import { examples } from './help.js';
import { namedModels } from './models.js';
import {
  addFigure,
  addJson,
  addModels,
  addRuns,
  addSpeech,
  addThreads,
  declare,
  type Given,
  threadsOf,
} from './optionGroups.js';
import { drawFigures, printJson } from './output.js';
import { heardOf } from './recordings.js';
import type { Terminal } from './terminal.js';

type HardwareCommandOptions = Pick<Given, 'manifest' | 'threads' | 'runs' | 'figure' | 'json'>;

const GIGA = 1e9;

/** `quantlab hardware`: limits of this machine, execution providers that work, and how near models come to the limits. */
export function addHardwareCommand(program: Command, terminal: Terminal): void {
  declare(program.command('hardware'), addModels, addSpeech('holdout'), addRuns, addThreads, addFigure, addJson)
    .description(
      'Peak arithmetic and memory speed of this machine in ONNX Runtime, execution providers, and a roofline',
    )
    .addHelpText('after', examples('hardware', 'hardware small.onnx --threads 1 --figure figures'))
    .action(async (names: readonly string[], options: HardwareCommandOptions) => {
      const { signal } = terminal;
      const models = await namedModels(names);
      const utterances = (await heardOf(options.manifest, terminal)).toSorted((a, b) => a.durationS - b.durationS);
      const recording = utterances[Math.floor(utterances.length / 2)];
      if (recording === undefined) throw new InputError(`${options.manifest}: an utterance was required, got none`);
      const chosen = await threadsOf(options);
      const threads = [...new Set([...threadCounts(availableParallelism()), chosen])].sort((a, b) => a - b);
      const progress = terminal.progress();
      try {
        const providers = await checkProviders({ signal });
        const limits = await measureHardware({
          threads,
          runs: options.runs,
          signal,
          onProgress: (done, total) => progress.update(done, total, 'kernels'),
        });
        const own = limits.find((one) => one.threads === chosen) as MachineLimits;
        const rows: RooflineRow[] = [];
        for (const model of models) {
          const title = model.card.id;
          progress.update(rows.length, models.length, title);
          rows.push({ title, ...(await measureRoofline(model, own, { recording, runs: options.runs, signal })) });
        }
        progress.stop();
        await drawFigures([rooflineFigure(own, rows)], options.figure, terminal);
        if (options.json) printJson({ providers, limits, roofline: rows }, terminal);
        else terminal.print(describe(providers, limits, rows));
      } finally {
        progress.stop();
      }
    });
}

function describe(
  providers: readonly ProviderCheck[],
  limits: readonly MachineLimits[],
  rows: readonly RooflineRow[],
): string {
  const giga = (value: number): string => (value / GIGA).toFixed(1);
  const sizes = limits[0]?.bandwidths.map(({ setBytes }) => `${setBytes / 2 ** 20} MiB`) ?? [];
  return [
    'Execution providers, each by really running a product:\n',
    columns(
      ['provider', 'in the package', 'here', 'why'],
      providers.map(({ title, bundled, status, reason }) => [title, bundled ? 'yes' : 'no', status, reason ?? '']),
    ),
    '\nLimits in ONNX Runtime (10⁹ operations a second; GB/s by the size that is read):\n',
    columns(
      ['threads', 'float32', 'int8', ...sizes],
      limits.map(({ threads, float32PerS, int8PerS, bandwidths }) => [
        threads,
        giga(float32PerS),
        giga(int8PerS),
        ...bandwidths.map(({ bytesPerS }) => giga(bytesPerS)),
      ]),
    ),
    `\nRoofline, one utterance of ${(rows[0]?.audioS ?? 0).toFixed(1)} s, ${rows[0]?.threads ?? 0} threads:\n`,
    columns(
      ...tableOf(rows, {
        model: (row) => row.title,
        '10⁶ ops float32': (row) => (row.float32Operations / 1e6).toFixed(0),
        int8: (row) => (row.int8Operations / 1e6).toFixed(0),
        'MB once': (row) => (row.bytesOnce / 1e6).toFixed(1),
        'MB in steps': (row) => (row.bytesStreamed / 1e6).toFixed(1),
        'ops/byte': (row) => row.intensity.toFixed(1),
        'bound ms': (row) => row.boundMs.toFixed(2),
        'fastest ms': (row) => row.fastestMs.toFixed(2),
        'median ms': (row) => row.medianMs.toFixed(2),
        share: (row) => `${(100 * row.share).toFixed(0)} %`,
      }),
    ),
    '\nCounted: products, convolutions and recurrences (a multiply-add is two operations), recurrent weights anew in each step; the rest as free.\n',
  ].join('');
}
