import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import {
  breakEven,
  CLUSTER_CLAIM,
  costOfOwn,
  costOnGpu,
  costOnInstance,
  type MeasuredSpeed,
  nodesOf,
  type TranscriptionCost,
} from '../measure/cost/cost.js';
import { readPrices } from '../measure/cost/prices.js';
import { breakEvenFigure, costFigure } from '../report/figures/costFigure.js';
import { speedsOf } from '../report/tables/costOf.js';
import { readFinishedRun } from '../study/finishedRun.js';
import { columns, tableOf, withInterval } from './columns.js';
import { examples } from './help.js';
import { addFigure, addJson, declare, type Given } from './optionGroups.js';
import { fraction, wholeNumber } from './options.js';
import { drawFigures, printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface CostCommandOptions extends Pick<Given, 'figure' | 'json'> {
  readonly run: string;
  readonly rtfx?: number;
  readonly processors: number;
  readonly gpuRtfx?: number;
  readonly price?: number;
  readonly title: string;
  readonly prices?: string;
}

/** `quantlab cost`: what transcription costs on rented machines, and how fast a GPU must be to be cheaper. */
export function addCostCommand(program: Command, terminal: Terminal): void {
  const number = fraction(1);
  declare(program.command('cost'), addFigure, addJson)
    .description('Price of 1,000 hours of sound, and the speed at which a GPU costs as much as processors')
    .option('--run <folder>', 'a finished run, whose throughput is taken', 'data/results/latest')
    .option('--rtfx <n>', 'seconds of sound each second, instead of a run', number)
    .option('--processors <n>', 'how many processors reached that speed', wholeNumber(1), 1)
    .option('--gpu-rtfx <n>', 'seconds of sound each second on a GPU', number)
    .option('--price <dollars>', 'price of an hour of the machine that was measured', number)
    .option('--title <text>', 'what it is called', 'this machine')
    .option('--prices <file>', "another table of prices (default: the package's own)")
    .addHelpText('after', examples('cost --rtfx 60 --processors 2', 'cost --run data/results/latest --gpu-rtfx 2000'))
    .action(async (options: CostCommandOptions) => {
      const prices = await readPrices(options.prices);
      const speeds = await readSpeeds(options);
      const [first] = speeds;
      if (first === undefined) {
        throw new UsageError(`cost: a run with measured throughput was required, got ${options.run}; give --rtfx`);
      }
      const cpus = prices.filter(({ kind }) => kind === 'cpu');
      const gpus = prices.filter(({ kind }) => kind === 'gpu');
      const { price, gpuRtfx } = options;
      const costs = [
        ...speeds.flatMap((speed) => [
          ...(price === undefined ? [] : [costOfOwn(speed, options.title, price)]),
          ...cpus
            .filter(({ architecture }) => architecture === speed.architecture)
            .map((one) => costOnInstance(speed, one)),
        ]),
        ...(gpuRtfx === undefined ? [] : gpus.map((gpu) => costOnGpu('GPU, speed as given', gpuRtfx, gpu))),
      ];
      const evens = speeds.flatMap(({ title }) => {
        const own = costs.filter((cost) => cost.title === title);
        const cheapest = own.reduce<TranscriptionCost | undefined>(cheaper, undefined);
        return cheapest === undefined ? [] : gpus.map((gpu) => breakEven(cheapest, gpu));
      });
      const figures = [costFigure(costs), ...(evens.length > 0 ? [breakEvenFigure(evens)] : [])];
      await drawFigures(figures, options.figure, terminal);
      if (options.json) return printJson({ costs, breakEven: evens }, terminal);
      const table = tableOf(costs, {
        model: (cost) => cost.title,
        machine: (cost) => `${cost.provider} ${cost.instance}`,
        '$/h': (cost) => cost.usdPerHour.toFixed(4),
        RTFx: (cost) => cost.audioSPerS.value.toFixed(0),
        '$ for 1,000 h (95 % interval)': (cost) => withInterval(cost.usdPer1000Hours, 2),
        speed: (cost) => (cost.estimated ? 'estimated' : 'measured'),
      });
      terminal.print(columns(...table));
      const assumptions = new Set(
        costs.flatMap(({ instance, assumption }) => (assumption === null ? [] : [`${instance}: ${assumption}`])),
      );
      if (assumptions.size > 0) terminal.print(`\nAssumed: ${[...assumptions].join('; ')}.\n`);
      terminal.print('\nA GPU is cheaper than the cheapest machine without one from this speed on:\n');
      const even = tableOf(evens, {
        model: (one) => one.title,
        'machine with a GPU': ({ gpu }) => `${gpu.provider} ${gpu.instance} (${gpu.hardware})`,
        '$/h': ({ gpu }) => gpu.usdPerHour.toFixed(4),
        against: ({ cpu }) => cpu.instance,
        'price over it': (one) => one.cpuMachinesForThePrice.toFixed(1),
        'RTFx to reach': (one) => one.audioSPerS.value.toFixed(0),
      });
      terminal.print(columns(...even));
      const { priceRatio, speedRatio } = nodesOf(CLUSTER_CLAIM);
      terminal.print(
        `\nThe comparison of ${CLUSTER_CLAIM.cpuNodes} nodes without and ${CLUSTER_CLAIM.gpuNodes} with a GPU at similar cost, ${(100 * CLUSTER_CLAIM.gain).toFixed(0)} % better: such a GPU node has ${priceRatio.toFixed(1)} times the price, which is the break-even, and is ${speedRatio.toFixed(1)} times as fast.\nSource: ${CLUSTER_CLAIM.source}\n`,
      );
      const skipped = prices.filter(({ kind, architecture }) => kind === 'cpu' && architecture !== first.architecture);
      if (skipped.length > 0) {
        const names = skipped.map(({ instance, architecture }) => `${instance} (${architecture})`).join(', ');
        terminal.print(`\nNot estimated, since the machine measured is ${first.architecture}: ${names}.\n`);
      }
      const pages = new Set(prices.map(({ provider, page, found }) => `${provider}: ${page} (${found})`));
      terminal.print(`\nPrices: ${[...pages].join('\n        ')}\n`);
    });
}

function cheaper(one: TranscriptionCost | undefined, other: TranscriptionCost): TranscriptionCost {
  return one === undefined || other.usdPer1000Hours.value < one.usdPer1000Hours.value ? other : one;
}

async function readSpeeds(options: CostCommandOptions): Promise<readonly MeasuredSpeed[]> {
  const { rtfx, processors } = options;
  if (rtfx !== undefined) {
    if (rtfx <= 0) throw new UsageError(`cost: a speed above 0 was required, got ${rtfx}`);
    return [
      {
        title: `${rtfx} times real time`,
        audioSPerS: { value: rtfx, low: rtfx, high: rtfx },
        processors,
        architecture: process.arch,
      },
    ];
  }
  const { summary } = await readFinishedRun(options.run);
  return speedsOf(summary);
}
