import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { writeFileAtomic } from '../files.js';
import { measureServer, measureServers, type ServedRate, type ServerReport } from '../measure/load/server.js';
import { serviceAt } from '../measure/load/serviceAt.js';
import { DEFAULT_SEED } from '../measure/statistics/random.js';
import { resolveModel } from '../recognise/registry/registry.js';
import { serverFigure } from '../report/figures/serverFigure.js';
import { writeFigures } from '../report/figures/writeFigures.js';
import { DEFAULT_MODEL } from '../study/plan.js';
import { columns } from './columns.js';
import { collect, wholeNumber } from './options.js';
import { heardOf } from './recordings.js';
import type { Terminal } from './terminal.js';

interface LoadCommandOptions {
  readonly manifest: string;
  readonly model?: readonly string[];
  readonly url?: string;
  readonly boundMs: number;
  readonly requests: number;
  readonly streams: number;
  readonly threads: number;
  readonly maxBatch: number;
  readonly most: number;
  readonly seed: number;
  readonly out?: string;
  readonly figure?: string;
  readonly json?: true;
}

/** `quantlab load`: the highest rate of requests that is answered in time. */
export function addLoadCommand(program: Command, terminal: Terminal): void {
  program
    .command('load')
    .description(
      'Requests at random times and growing rates, to live processes or a service; the highest rate that holds a bound',
    )
    .option('--manifest <set|path>', 'holdout, dev, calibration, or a manifest', 'holdout')
    .option('--model <id|path>', `a model (may be given several times; default: ${DEFAULT_MODEL})`, collect)
    .option(
      '--url <address>',
      'instead of models: a service that `quantlab serve` started, such as http://127.0.0.1:8080',
    )
    .option('--bound-ms <ms>', 'the 95th percentile of the latency must stay within this', wholeNumber(1), 500)
    .option('--requests <n>', 'requests at each rate, 130 or more', wholeNumber(1), 300)
    .option('--streams <n>', 'processes of each model', wholeNumber(1), availableParallelism())
    .option('--threads <n>', 'threads of one operator in each', wholeNumber(1), 1)
    .option('--max-batch <n>', 'requests that a free process takes at once', wholeNumber(1), 1)
    .option('--most <n>', 'rates that are tried at most', wholeNumber(1), 20)
    .option('--seed <n>', 'of the arrivals', wholeNumber(0), DEFAULT_SEED)
    .option('--out <file.json>', 'keep every rate in this file, as it is finished')
    .option('--figure <folder>', 'draw latency against rate into this folder')
    .option('--json', 'print JSON')
    .action(async (options: LoadCommandOptions) => {
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
          ? await measureServers(
              await Promise.all((options.model ?? [DEFAULT_MODEL]).map((model) => resolveModel(model))),
              { ...common, streams: options.streams, threads: options.threads, maximumBatch: options.maxBatch },
            )
          : [await measureServer(options.url, await serviceAt(options.url, utterances), options.streams, common)];
      if (options.out !== undefined) {
        await writeFileAtomic(options.out, `${JSON.stringify({ reports }, null, 1)}\n`);
      }
      if (options.figure !== undefined) {
        const { files, warnings } = await writeFigures([serverFigure(reports)], options.figure);
        for (const line of [...warnings, ...files]) terminal.say(`${line}\n`);
      }
      if (options.json) terminal.print(`${JSON.stringify(reports, null, 2)}\n`);
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
  const rows = [...report.rates]
    .sort((a, b) => a.ratePerS - b.ratePerS)
    .map((rate) => [
      rate.ratePerS.toFixed(1),
      rate.servedPerS.toFixed(1),
      `${rate.medianMs.value.toFixed(0)} (${rate.medianMs.low.toFixed(0)} to ${rate.medianMs.high.toFixed(0)})`,
      rate.p95Ms.toFixed(0),
      rate.p95BoundMs?.toFixed(0) ?? '–',
      rate.meanWaiting?.toFixed(1) ?? '–',
      rate.mostWaiting?.toFixed(0) ?? '–',
      rate.failed,
      rate.holds ? 'holds' : 'breaks',
    ]);
  const header = [
    'asked/s',
    'served/s',
    'median ms (95 %)',
    'p95 ms',
    'p95 at most',
    'waiting',
    'most',
    'failed',
    `${boundMs} ms`,
  ];
  terminal.print(columns(header, rows));
  const answer = highestPerS === null ? 'none that was tried' : `${highestPerS.toFixed(1)} requests/s`;
  terminal.print(`highest rate at which 95 of 100 are answered within ${boundMs} ms: ${answer}\n\n`);
}
