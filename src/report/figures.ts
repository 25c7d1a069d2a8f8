import type { Observation, Summary } from '../experiment/schema.js';
import type { Figure } from './figure.js';
import { latencyFigure } from './latencyFigure.js';
import { partsFigure } from './partsFigure.js';
import { sizeFigure } from './sizeFigure.js';
import { tradeoffFigure } from './tradeoffFigure.js';

/**
 * The figures of a run, in the order in which the write-up shows them. Pure: the same results give the same figures.
 *
 * @param summary - summary of a run
 * @param observations - its observations
 */
export function buildFigures(summary: Summary, observations: readonly Observation[]): readonly Figure[] {
  return [latencyFigure(summary, observations), tradeoffFigure(summary), sizeFigure(summary), partsFigure(summary)];
}
