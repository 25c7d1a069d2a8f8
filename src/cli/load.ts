import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { writeFileAtomic } from '../files.js';
import { measureServer, measureServers, type ServedRate, type ServerReport } from '../measure/load/server.js';
import { serviceAt } from '../measure/load/serviceAt.js';
import { serverFigure } from '../report/figures/serverFigure.js';
import { columns, tableOf, withInterval } from './columns.js';
import { examples } from './help.js';
import { namedModels } from './models.js';
import {
  addFigure,
  addJson,
  addKept,
  addModels,
  addSeed,
  addSpeech,
  addThreads,
  addWorkers,
  declare,
  type Given,
  threadsOf,
} from './optionGroups.js';
import { wholeNumber } from './options.js';
import { drawFigures, printJson } from './output.js';
import { heardOf } from './recordings.js';
import type { Terminal } from './terminal.js';

interface LoadCommandOptions
  extends Pick<Given, 'manifest' | 'workers' | 'threads' | 'seed' | 'out' | 'figure' | 'json'> {
  readonly url?: string;
  readonly boundMs: number;
  readonly requests: number;
  readonly maxBatch: number;
  readonly most: number;
}

/** `quantlab load`: the highest rate of requests that is answered in time. */
export function addLoadCommand(program: Command, terminal: Terminal): void {
  declare(
    program.command('load'),
    addModels,
    addSpeech('holdout'),
    addWorkers,
    addThreads,
    addSeed,
    addKept,
    addFigure,
    addJson,
  )
    .description(
      'Requests at random times and growing rates, to live processes or a service; the highest rate that holds a bound',
    )
    .option(
      '--url <address>',
      'instead of models: a service that `quantlab serve` started, such as http://127.0.0.1:8080',
    )
    .option('--bound-ms <ms>', 'the 95th percentile of the latency must stay within this', wholeNumber(1), 500)
    .option('--requests <n>', 'requests at each rate, 130 or more', wholeNumber(1), 300)
    .option('--max-batch <n>', 'requests that a free process takes at once', wholeNumber(1), 1)
    .option('--most <n>', 'rates that are tried at most', wholeNumber(1), 20)
    .addHelpText('after', examples('load small.onnx --bound-ms 300', 'load --url http://127.0.0.1:8080'))
    .action(async (names: readonly string[], options: LoadCommandOptions) => {
      if (options.url !== undefined && names.length > 0) {
        throw new UsageError('--url: models or the address of a service were required, got both; leave one out');
      }
      const utterances = await heardOf(options.manifest, terminal);
      const rates: ServedRate[] = [];
      const common = {
        utterances,
        boundMs: options.boundMs,
        requests: options.requests,
        seed: options.seed,
        mostRates: options.most,
        signal: terminal.signal,
        onRate: async (rate: ServedRate): Promise<void> => {
          rates.push(rate);
          terminal.say(`${lineOf(rate)}\n`);
          if (options.out !== undefined) await writeFileAtomic(options.out, `${JSON.stringify({ rates }, null, 1)}\n`);
        },
      };
      const reports =
        options.url === undefined
          ? await measureServers(await namedModels(names), {
              ...common,
              streams: options.workers,
              threads: await threadsOf(options, options.workers),
              maximumBatch: options.maxBatch,
            })
          : [await measureServer(options.url, await serviceAt(options.url, utterances), options.workers, common)];
      if (options.out !== undefined) {
        await writeFileAtomic(options.out, `${JSON.stringify({ reports }, null, 1)}\n`);
      }
      await drawFigures([serverFigure(reports)], options.figure, terminal);
      if (options.json) printJson(reports, terminal);
      else for (const report of reports) print(report, terminal);
    });
}

function lineOf({ model, ratePerS, p95Ms, p95BoundMs, holds, failed }: ServedRate): string {
  const bound = p95BoundMs === null ? 'unknown' : `${p95BoundMs.toFixed(0)} ms`;
  const failures = failed > 0 ? `, ${failed} failed` : '';
  return `${model}  ${ratePerS.toFixed(1)}/s: p95 ${p95Ms.toFixed(0)} ms, at most ${bound}${failures}: ${holds ? 'holds' : 'breaks'}`;
}

function print(report: ServerReport, terminal: Terminal): void {
  const { model, boundMs, streams, threads, maximumBatch, capacityPerS, highestPerS } = report;
  const how = streams === null ? '' : `, ${streams} processes of ${threads} thread(s), batches up to ${maximumBatch}`;
  terminal.print(`${model}${how}; without a queue ${capacityPerS.toFixed(1)} answers/s\n`);
  const rates = report.rates.toSorted((a, b) => a.ratePerS - b.ratePerS);
  const table = tableOf(rates, {
    'asked/s': (rate) => rate.ratePerS.toFixed(1),
    'served/s': (rate) => rate.servedPerS.toFixed(1),
    'median ms (95 %)': (rate) => withInterval(rate.medianMs, 0),
    'p95 ms': (rate) => rate.p95Ms.toFixed(0),
    'p95 at most': (rate) => rate.p95BoundMs?.toFixed(0) ?? '–',
    waiting: (rate) => rate.meanWaiting?.toFixed(1) ?? '–',
    most: (rate) => rate.mostWaiting?.toFixed(0) ?? '–',
    failed: (rate) => rate.failed,
    [`${boundMs} ms`]: (rate) => (rate.holds ? 'holds' : 'breaks'),
  });
  terminal.print(columns(...table));
  const answer = highestPerS === null ? 'none that was tried' : `${highestPerS.toFixed(1)} requests/s`;
  terminal.print(`highest rate at which 95 of 100 are answered within ${boundMs} ms: ${answer}\n\n`);
}
