import type { Observation, Summary } from '../experiment/schema.js';
import { breakEven, costOnInstance } from '../measure/cost/cost.js';
import type { InstancePrice } from '../measure/cost/prices.js';
import { breakEvenFigure, costFigure } from './costFigure.js';
import { cheapestCost, speedsOf } from './costOf.js';
import { energyFigure } from './energyFigure.js';
import type { Figure } from './figure.js';
import { glanceFigure } from './glanceFigure.js';
import { latencyFigure } from './latencyFigure.js';
import { measuredOf } from './measured.js';
import { memoryFigure } from './memoryFigure.js';
import { partsFigure } from './partsFigure.js';
import { sizeFigure } from './sizeFigure.js';
import { tradeoffFigure } from './tradeoffFigure.js';

/**
 * The figures of a run, in the order in which the write-up shows them. Pure: the same results give the same figures.
 *
 * @param summary - summary of a run
 * @param observations - its observations
 * @param prices - of machines to rent, for the cost
 */
export function buildFigures(
  summary: Summary,
  observations: readonly Observation[],
  prices: readonly InstancePrice[] = [],
): readonly Figure[] {
  const glance = glanceFigure(summary, prices);
  const measured = measuredOf(summary);
  const energies = measured.flatMap(({ title, outcome }) => (outcome.energy ? [{ title, ...outcome.energy }] : []));
  return [
    ...(glance ? [glance] : []),
    latencyFigure(summary, observations),
    tradeoffFigure(summary),
    sizeFigure(summary),
    partsFigure(summary),
    ...(measured.some(({ outcome }) => outcome.memory) ? [memoryFigure(summary)] : []),
    ...(energies.length > 0 ? [{ ...energyFigure(energies), name: '06-energy' }] : []),
    ...costFigures(summary, prices),
  ];
}

function costFigures(summary: Summary, prices: readonly InstancePrice[]): readonly Figure[] {
  const speeds = speedsOf(summary);
  const costs = speeds.flatMap((speed) =>
    prices
      .filter(({ kind, architecture }) => kind === 'cpu' && architecture === speed.architecture)
      .map((price) => costOnInstance(speed, price)),
  );
  if (costs.length === 0) return [];
  const gpus = prices.filter(({ kind }) => kind === 'gpu');
  const evens = speeds.flatMap((speed) => {
    const cheapest = cheapestCost(speed, prices);
    return cheapest === null ? [] : gpus.map((gpu) => breakEven(cheapest, gpu));
  });
  return [
    { ...costFigure(costs), name: '07-cost' },
    ...(evens.length > 0 ? [{ ...breakEvenFigure(evens), name: '08-break-even' }] : []),
  ];
}
