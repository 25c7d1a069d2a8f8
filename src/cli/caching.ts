import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { writeFileAtomic } from '../files.js';
import { type ColdStartReport, measureColdStart } from '../measure/latency/coldStart.js';
import { measureResultCaching, type ResultCachingReport } from '../measure/load/resultCaching.js';
import type { ResolvedModel } from '../recognise/model.js';
import { cacheFolder } from '../recognise/registry/registry.js';
import { cachingFigure } from '../report/figures/cachingFigure.js';
import { recordingOf } from '../speech/corpora/recordings.js';
import type { Utterance } from '../speech/types.js';
import { columns, megabytes, percent, tableOf, withInterval } from './columns.js';
import { examples } from './help.js';
import { namedModels } from './models.js';
import {
  addFigure,
  addJson,
  addKept,
  addModels,
  addSpeech,
  addThreads,
  declare,
  type Given,
  threadsOf,
} from './optionGroups.js';
import { numberFrom, wholeNumber } from './options.js';
import { drawFigures, printJson } from './output.js';
import { heardOf } from './recordings.js';
import type { Terminal } from './terminal.js';

interface CachingCommandOptions extends Pick<Given, 'manifest' | 'threads' | 'out' | 'figure' | 'json'> {
  readonly only?: 'load' | 'results';
  readonly rounds: number;
  readonly requests: number;
  readonly exponent: number;
}

interface CachingReports {
  readonly load: readonly ColdStartReport[];
  readonly results: readonly ResultCachingReport[];
}

/** `quantlab caching`: what keeping optimised models and results gains. */
export function addCachingCommand(program: Command, terminal: Terminal): void {
  declare(program.command('caching'), addModels, addSpeech('holdout'), addThreads, addKept, addFigure, addJson)
    .description(
      'What caches gain: load time with the optimised model on disk, and latency against hit rate of kept results',
    )
    .addOption(new Option('--only <kind>', 'one of the two').choices(['load', 'results']))
    .option('--rounds <n>', 'starts with and without the optimised model', wholeNumber(2), 10)
    .option('--requests <n>', 'requests at each size of the cache', wholeNumber(1), 300)
    .option('--exponent <n>', "of Zipf's law: how much more the popular is asked for", numberFrom(0), 1)
    .addHelpText('after', examples('caching deepspeech2-lstm --only load', 'caching --requests 1000 --figure figures'))
    .action(async (names: readonly string[], options: CachingCommandOptions) => {
      const utterances = await heardOf(options.manifest, terminal);
      const models = await namedModels(names);
      const reports = await measure(models, utterances, options, terminal);
      await drawFigures(reports.results.length > 0 ? [cachingFigure(reports.results)] : [], options.figure, terminal);
      if (options.json) return printJson(reports, terminal);
      if (reports.load.length > 0) printLoad(reports.load, terminal);
      for (const report of reports.results) printResults(report, terminal);
    });
}

async function measure(
  models: readonly ResolvedModel[],
  utterances: readonly Utterance[],
  options: CachingCommandOptions,
  terminal: Terminal,
): Promise<CachingReports> {
  const load: ColdStartReport[] = [];
  const results: ResultCachingReport[] = [];
  const threads = await threadsOf(options);
  const { rounds, requests, exponent, only, out } = options;
  const { signal } = terminal;
  const keep = async (): Promise<void> => {
    if (out !== undefined) await writeFileAtomic(out, `${JSON.stringify({ load, results }, null, 1)}\n`);
  };
  const [first] = utterances;
  for (const model of models) {
    const progress = terminal.progress();
    try {
      if (only !== 'results' && first !== undefined) {
        const recording = recordingOf(first);
        const onProgress = (done: number, total: number): void =>
          progress.update(done, total, `${model.card.id}: starts`);
        const folder = join(cacheFolder(), 'optimized');
        load.push(await measureColdStart(model, { folder, recording, threads, rounds, signal, onProgress }));
        await keep();
      }
      if (only !== 'load') {
        const onProgress = (done: number, total: number): void =>
          progress.update(done, total, `${model.card.id}: requests`);
        results.push(
          await measureResultCaching(model, { utterances, threads, requests, exponent, signal, onProgress }),
        );
        await keep();
      }
    } finally {
      progress.stop();
    }
  }
  return { load, results };
}

function printLoad(reports: readonly ColdStartReport[], terminal: Terminal): void {
  const size = (bytes: number | null): string => (bytes === null ? '–' : megabytes(bytes));
  const change = (from: string, to: string): string => `${from} → ${to}`;
  const table = tableOf(reports, {
    model: (one) => one.model,
    'on disk': (one) => change(megabytes(one.sizeBytes), megabytes(one.optimizedBytes)),
    'making ms': (one) => one.makingMs.toFixed(0),
    'load ms': (one) => change(one.plainMs.value.toFixed(0), one.optimizedMs.value.toFixed(0)),
    'times (95 %)': (one) => withInterval(one.speedUp, 2),
    'first run ms': (one) => change(one.plainFirstRunMs.value.toFixed(0), one.optimizedFirstRunMs.value.toFixed(0)),
    resident: (one) => change(size(one.plainResidentBytes), size(one.optimizedResidentBytes)),
    'of that unshared': (one) => change(size(one.plainAnonymousBytes), size(one.optimizedAnonymousBytes)),
    pays: (one) => (one.pays ? 'yes' : 'no'),
  });
  terminal.print(`The optimised model on disk, ${reports[0]?.rounds} starts each\n${columns(...table)}\n`);
}

function printResults(report: ResultCachingReport, terminal: Terminal): void {
  const { model, plainMs, points, costs, exponent, utterances } = report;
  terminal.print(
    `${model}: kept transcripts of ${utterances} utterances, Zipf ${exponent}; ${plainMs.value.toFixed(1)} ms without a cache\n`,
  );
  const table = tableOf(points, {
    place: (point) => point.place,
    results: (point) => point.capacity,
    'hit rate': (point) => percent(point.hitRate),
    "Che's": (point) => percent(point.expectedHitRate),
    'mean ms (95 %)': (point) => withInterval(point.meanMs, 1),
    median: (point) => point.medianMs.toFixed(2),
    'p95 at most': (point) => point.p95Ms?.toFixed(1) ?? '–',
    'hit ms': (point) => point.hitMs?.toFixed(2) ?? '–',
    'miss ms': (point) => point.missMs?.toFixed(1) ?? '–',
  });
  terminal.print(`${columns(...table)}\n`);
  const kinds = costs.map(({ kind, place, meanMs }) => [kind, place, meanMs.value.toFixed(2)]);
  terminal.print(`${columns(['kept', 'place', 'mean ms of a hit'], kinds)}\n`);
}
