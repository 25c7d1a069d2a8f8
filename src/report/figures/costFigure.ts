import type { BreakEven, TranscriptionCost } from '../../measure/cost/cost.js';
import { formatEstimate, formatNumber, roundTo } from '../tables/format.js';
import { axis, estimatePoints, figureOf, LEGEND_BELOW, NEUTRAL_COLOR, roomBelow, rowAxis } from './drawing.js';
import type { Figure, JsonObject } from './figure.js';
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
    title: 'Price of 1,000 hours of sound',
    caption: [
      'US dollars for 1,000 hours of sound on machines that are always at work, with the 95 % interval of the speed.',
      ...(assumed
        ? ['Estimates where the machine was not measured: each virtual processor as fast as a measured one.']
        : []),
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
    layout: { xaxis: axis('Price ($)', { type: 'log' }), yaxis: rowAxis(machines), legend: LEGEND_BELOW },
  });
}

function machine({ provider, instance }: TranscriptionCost): string {
  return provider === 'own' ? instance : `${provider} ${instance}`;
}

/** How far the lines of the GPUs go beyond the break-even, to both sides. */
const REACH = 8;

/**
 * Draws from which speed on a GPU is cheaper than processors: the falling lines are GPUs, the level ones processors, and where
 * they meet both cost the same.
 *
 * @param rows - for each model and each GPU
 */
export function breakEvenFigure(rows: readonly BreakEven[]): Figure {
  const titles = [...new Set(rows.map(({ title }) => title))];
  const gpus = [...new Map(rows.map(({ gpu }) => [gpuTitle(gpu), gpu])).values()];
  const speeds = rows.map(({ audioSPerS }) => audioSPerS.value);
  const [from, to] = [Math.min(...speeds) / REACH, Math.max(...speeds) * REACH];
  const levels = titles.map((title): JsonObject => {
    const cost = rows.find((row) => row.title === title)?.cpu.usdPer1000Hours.value ?? 0;
    return {
      type: 'scatter',
      mode: 'lines',
      name: `${title}, without a GPU`,
      x: [roundTo(from), roundTo(to)],
      y: [roundTo(cost), roundTo(cost)],
      line: { color: markOf(title, titles).color, width: 2.5 },
      hoverinfo: 'name',
    };
  });
  const slopes = gpus.map(
    (gpu, place): JsonObject => ({
      type: 'scatter',
      mode: 'lines',
      name: gpuTitle(gpu),
      x: [roundTo(from), roundTo(to)],
      y: [from, to].map((speed) => roundTo((1000 * gpu.usdPerHour) / speed)),
      line: {
        color: NEUTRAL_COLOR,
        width: 1.5,
        dash: (['solid', 'dash', 'dot', 'dashdot'] as const)[place % 4] ?? 'solid',
      },
      hoverinfo: 'name',
    }),
  );
  const crossings: JsonObject = {
    type: 'scatter',
    mode: 'markers',
    name: 'the same price',
    x: rows.map(({ audioSPerS }) => roundTo(audioSPerS.value)),
    y: rows.map(({ cpu }) => roundTo(cpu.usdPer1000Hours.value)),
    marker: { color: NEUTRAL_COLOR, symbol: 'circle-open', size: 12, line: { width: 2 } },
    text: rows.map(({ title, gpu }) => `${gpuTitle(gpu)}, ${title}`),
    hovertemplate: '%{text}: %{x} times real time<extra></extra>',
  };
  const below = roomBelow(levels.length + slopes.length + 1);
  return figureOf({
    name: 'break-even',
    title: 'How fast a GPU must be',
    heading: 'How fast a GPU must be to be cheaper',
    caption: [
      'Price of 1,000 hours of sound against the speed of a GPU, in seconds of sound each second. Level lines: the cheapest',
      'machines without a GPU, by the speed measured (each virtual processor taken to be as fast as a measured one). Falling',
      'lines: machines with a GPU, whose speed was not measured. Where they meet, both cost the same; to the right the GPU is cheaper.',
    ],
    alt: `Speed at which a GPU costs as much as processors. ${rows
      .map(
        ({ title, gpu, audioSPerS, cpuMachinesForThePrice }) =>
          `${gpuTitle(gpu)} against ${title}: ${formatNumber(audioSPerS.value, 0)} times real time, ${formatNumber(cpuMachinesForThePrice, 1)} times a machine without a GPU`,
      )
      .join('; ')}.`,
    height: 330 + below,
    margin: { b: below },
    data: [...levels, ...slopes, crossings],
    layout: {
      xaxis: axis('Speed of the GPU (s of sound / s)', { type: 'log', dtick: 1 }),
      yaxis: axis('Price of 1,000 h ($)', { type: 'log', dtick: 1 }),
      legend: LEGEND_BELOW,
    },
  });
}

function gpuTitle({ provider, instance, hardware }: BreakEven['gpu']): string {
  return `${provider} ${instance} (${hardware})`;
}
