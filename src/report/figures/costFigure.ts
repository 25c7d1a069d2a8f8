import type { BreakEven, TranscriptionCost } from '../../measure/cost/cost.js';
import { formatEstimate, formatNumber } from '../tables/format.js';
import { axis, estimatePoints, figureOf, LEGEND_BELOW, logAxis, roomBelow, rowAxis } from './drawing.js';
import type { Figure } from './figure.js';
import { breakEvenFinding, costFinding } from './findings.js';
import { markOf } from './theme.js';

const dollars = (value: number): string => formatNumber(value, value < 1 ? 3 : 2);

/**
 * Draws what 1,000 hours of sound cost, machine by machine.
 *
 * @param costs - of each model on each machine
 */
export function costFigure(costs: readonly TranscriptionCost[]): Figure {
  const titles = [...new Set(costs.map(({ title }) => title))];
  const cheapest = (name: string): number =>
    Math.min(...costs.filter((cost) => machine(cost) === name).map(({ usdPer1000Hours }) => usdPer1000Hours.value));
  const machines = [...new Set(costs.map(machine))].sort((a, b) => cheapest(a) - cheapest(b));
  const assumed = costs.some(({ estimated }) => estimated);
  return figureOf({
    name: 'cost',
    title: costFinding(costs),
    caption: [
      `On machines that are always at work${assumed ? ', each virtual processor taken to be as fast as a measured one' : ''}.`,
      'Prices on demand; data/prices has page and date of each.',
    ],
    alt: `Price of 1,000 hours of sound. ${costs
      .map((cost) => `${cost.title} on ${machine(cost)}: ${formatEstimate(cost.usdPer1000Hours, dollars)} dollars`)
      .join('; ')}.`,
    height: 80 + roomBelow(titles.length) + 44 * Math.max(1, machines.length),
    margin: { l: 262, b: roomBelow(titles.length) },
    data: titles.map((title) => {
      const own = costs.filter((cost) => cost.title === title);
      return estimatePoints({
        name: title,
        mark: markOf(title, titles),
        along: 'x',
        estimates: own.map(({ usdPer1000Hours }) => usdPer1000Hours),
        places: own.map(machine),
        size: 11,
        hover: '%{y}: $%{x}',
      });
    }),
    layout: {
      xaxis: axis('Price of 1,000 hours of sound ($)', { rangemode: 'tozero', showline: true }),
      yaxis: rowAxis(machines),
      legend: LEGEND_BELOW,
    },
  });
}

function machine({ provider, instance }: TranscriptionCost): string {
  return provider === 'own' ? instance : `${provider} ${instance}`;
}

/**
 * Draws from which speed on a GPU is cheaper than processors: for each machine with a GPU and each model the speed at which both
 * cost the same.
 *
 * @param rows - for each model and each GPU
 */
export function breakEvenFigure(rows: readonly BreakEven[]): Figure {
  const titles = [...new Set(rows.map(({ title }) => title))];
  const gpus = [...new Set(rows.map(({ gpu }) => gpuTitle(gpu)))];
  const below = roomBelow(titles.length);
  const speeds = rows.map(({ audioSPerS }) => audioSPerS);
  return figureOf({
    name: 'break-even',
    title: breakEvenFinding(rows),
    caption: [
      'Speed at which a machine with a GPU costs as much as the cheapest without one, for the same sound; that of a GPU was not measured.',
    ],
    alt: `Speed at which a GPU costs as much as processors. ${rows
      .map(
        ({ title, gpu, audioSPerS, cpuMachinesForThePrice }) =>
          `${gpuTitle(gpu).replace('<br>', ', ')} against ${title}: ${formatNumber(audioSPerS.value, 0)} times real time, ${formatNumber(cpuMachinesForThePrice, 1)} times a machine without a GPU`,
      )
      .join('; ')}.`,
    height: 80 + below + 56 * Math.max(1, gpus.length),
    margin: { l: 200, b: below },
    data: titles.map((title) => {
      const own = rows.filter((row) => row.title === title);
      return estimatePoints({
        name: title,
        mark: markOf(title, titles),
        along: 'x',
        estimates: own.map(({ audioSPerS }) => audioSPerS),
        places: own.map(({ gpu }) => gpuTitle(gpu)),
        size: 11,
        hover: '%{y}: %{x} s of sound a second',
      });
    }),
    layout: {
      xaxis: logAxis(
        'Speed of the GPU (s of sound / s)',
        Math.min(...speeds.map(({ low }) => low)) / 1.3,
        Math.max(...speeds.map(({ high }) => high)) * 1.3,
        { showline: true },
      ),
      yaxis: rowAxis(gpus),
      legend: LEGEND_BELOW,
    },
  });
}

function gpuTitle({ provider, instance, hardware }: BreakEven['gpu']): string {
  return `${provider} ${instance}<br>${hardware}`;
}
