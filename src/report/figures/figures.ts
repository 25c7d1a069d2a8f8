import { breakEven, costOnInstance } from '../../measure/cost/cost.js';
import type { InstancePrice } from '../../measure/cost/prices.js';
import type { LaboratoryResults } from '../../study/laboratory.js';
import type { PeerResults } from '../../study/peers.js';
import type { Observation, Summary } from '../../study/schema.js';
import { cheapestCost, speedsOf } from '../tables/costOf.js';
import { coldStartFigure } from './coldStartFigure.js';
import { breakEvenFigure, costFigure } from './costFigure.js';
import type { Figure } from './figure.js';
import { glanceFigure } from './glanceFigure.js';
import { latencyFigure } from './latencyFigure.js';
import { memoryFigure } from './memoryFigure.js';
import { partsFigure } from './partsFigure.js';
import { peersFigure } from './peersFigure.js';
import { rooflineFigure } from './rooflineFigure.js';
import { sensitivityFigure } from './sensitivityFigure.js';
import { serverFigure } from './serverFigure.js';
import { throughputFigure } from './throughputFigure.js';
import { tradeoffFigure } from './tradeoffFigure.js';
import { variantsFigure } from './variantsFigure.js';

/** What figures are drawn from. */
interface Results extends LaboratoryResults {
  readonly summary: Summary;
  /** Of the run of the laboratory, where it measured variants. */
  readonly variants: Summary | undefined;
  /** Of the run of a Whisper. */
  readonly whisper: Summary | undefined;
  /** Other programs beside ours on a Whisper. */
  readonly peers: PeerResults | undefined;
  readonly observations: readonly Observation[];
  readonly prices: readonly InstancePrice[];
}

/** Draws a figure; `null` or `undefined` where what it shows was not measured. */
type Draw = (results: Results) => Figure | null | undefined;

/** All figures by name, in the order in which the write-up shows them: the place, from 0, is the number in the file's name. */
const FIGURES: readonly (readonly [name: string, draw: Draw])[] = [
  ['at-a-glance', ({ summary, prices }) => glanceFigure(summary, prices)],
  ['latency', ({ summary, observations }) => latencyFigure(summary, observations)],
  ['accuracy-and-latency', ({ summary }) => tradeoffFigure(summary)],
  ['where-the-time-goes', ({ summary }) => partsFigure(summary)],
  ['memory', ({ summary }) => memoryFigure(summary)],
  ['cost', (results) => where(costsOf(results), costFigure)],
  ['break-even', (results) => where(breakEvensOf(results), breakEvenFigure)],
  ['roofline', rooflineOf],
  ['throughput', ({ throughput }) => where(throughput, throughputFigure)],
  ['sensitivity', ({ sensitivity }) => sensitivity && sensitivityFigure(sensitivity)],
  ['load', ({ load }) => where(load, serverFigure)],
  ['loading', ({ caching }) => where(caching?.load, () => caching && coldStartFigure(caching))],
  ['variants', ({ variants }) => variants && variantsFigure(variants)],
  ['whisper', ({ whisper }) => whisper && tradeoffFigure(whisper, 'Drawn as the same figure above.')],
  ['whisper-peers', ({ peers }) => peers && peersFigure(peers)],
];

const fileName = (name: string, place: number): string => `${String(place).padStart(2, '0')}-${name}`;

/** Names of all figures that a report may have, as files. */
export const FIGURE_NAMES: readonly string[] = FIGURES.map(([name], place) => fileName(name, place));

/**
 * The figures of a run and of the laboratory, as far as they were measured, in the order in which the write-up shows them. Pure:
 * the same results give the same figures.
 *
 * @param summary - summary of a run
 * @param observations - its observations
 * @param prices - of machines to rent, for the cost
 * @param laboratory - summary of the run that measured the variants of all models, and what else the write-up tells
 * @param whisper - summary of the run of a Whisper
 * @param peers - other programs beside ours on a Whisper
 */
export function buildFigures(
  summary: Summary,
  observations: readonly Observation[],
  prices: readonly InstancePrice[] = [],
  laboratory?: Summary,
  whisper?: Summary,
  peers?: PeerResults,
): readonly Figure[] {
  const variants = laboratory?.conditions.length ? laboratory : undefined;
  const results = { ...laboratory?.run.laboratory, summary, observations, prices, variants, whisper, peers };
  return FIGURES.flatMap(([name, draw], place) => {
    const figure = draw(results);
    return figure ? [{ ...figure, name: fileName(name, place) }] : [];
  });
}

/** Draws where there is something to draw. */
function where<Row>(
  rows: readonly Row[] | undefined,
  draw: (rows: readonly Row[]) => Figure | undefined,
): Figure | undefined {
  return rows === undefined || rows.length === 0 ? undefined : draw(rows);
}

function costsOf({ summary, prices }: Results): Parameters<typeof costFigure>[0] {
  return speedsOf(summary).flatMap((speed) =>
    prices
      .filter(({ kind, architecture }) => kind === 'cpu' && architecture === speed.architecture)
      .map((price) => costOnInstance(speed, price)),
  );
}

function breakEvensOf({ summary, prices }: Results): Parameters<typeof breakEvenFigure>[0] {
  const gpus = prices.filter(({ kind }) => kind === 'gpu');
  return speedsOf(summary).flatMap((speed) => {
    const cheapest = cheapestCost(speed, prices);
    return cheapest === null ? [] : gpus.map((gpu) => breakEven(cheapest, gpu));
  });
}

function rooflineOf({ hardware }: Results): Figure | undefined {
  const own = hardware?.limits.at(-1);
  if (hardware === undefined || own === undefined) return undefined;
  return rooflineFigure(
    own,
    hardware.roofline.map((row) => ({ ...row, path: row.model })),
  );
}
