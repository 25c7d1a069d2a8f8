import { MARGIN } from '../../measure/accuracy/accuracyTest.js';
import type { Summary } from '../../study/schema.js';
import type { Json, JsonObject } from '../figures/figure.js';
import { GOAL_TIMES_SMALLER } from '../figures/variantsFigure.js';
import {
  formatEstimate,
  formatFactor,
  formatMegabytes,
  formatMs,
  formatNumber,
  formatPercent,
  formatPoints,
  NO_NUMBER,
} from '../tables/format.js';
import { isShownWithinMargin, isWithinMargin, type Measured, measuredOf, timesSmallerOf } from '../tables/measured.js';

/**
 * How far each technique gets, for the write-up: a row for each variant, and the smallest and the fastest of those that stay within the
 * gate; `null` where no variants were measured.
 */
export function techniquesData(summary: Summary): Json {
  const rows = measuredOf(summary);
  if (rows.length === 0) return null;
  const compared = rows.flatMap((row) => {
    const timesSmaller = timesSmallerOf(row, rows);
    return timesSmaller === null ? [] : [{ row, timesSmaller }];
  });
  const allowed = compared.filter(({ row }) => isWithinMargin(row));
  const [smallest] = allowed.toSorted((one, other) => other.timesSmaller - one.timesSmaller);
  const [fastest] = allowed.toSorted((one, other) => speedOf(other.row) - speedOf(one.row));
  return {
    rows: rows.map(rowOf),
    gate_points: formatNumber(100 * MARGIN, 0),
    goal_times: formatNumber(GOAL_TIMES_SMALLER, 0),
    is_coded: rows.some(({ outcome }) => outcome.codedBytes !== undefined),
    smallest: smallest
      ? {
          title: smallest.row.title,
          times: formatFactor(smallest.timesSmaller),
          reaches: smallest.timesSmaller >= GOAL_TIMES_SMALLER,
        }
      : null,
    fastest: fastest ? { title: fastest.row.title, times: formatFactor(speedOf(fastest.row)) } : null,
  };
}

function rowOf(row: Measured): JsonObject {
  const { title, outcome, latency, accuracy, entry } = row;
  const { comparison } = entry;
  const peak = outcome.memory?.withArena.afterRuns.peakBytes;
  const change = comparison?.werChange;
  return {
    title,
    is_base: comparison === null,
    latency_ms: formatMs(latency.meanMs.value),
    times_as_fast: comparison ? formatFactor(comparison.latencySpeedUp.value) : NO_NUMBER,
    file_mb: formatMegabytes(outcome.sizeBytes),
    coded_mb: outcome.codedBytes === undefined ? NO_NUMBER : formatMegabytes(outcome.codedBytes),
    peak_mb: peak === undefined ? NO_NUMBER : formatMegabytes(peak),
    wer_percent: formatPercent(accuracy.wer.value),
    change_points: change ? formatEstimate(change, formatPoints) : NO_NUMBER,
    gate: comparison === null ? NO_NUMBER : gateOf(row),
  };
}

/** Whether a variant is within the gate, and whether that is shown of enough words. */
function gateOf(row: Measured): string {
  if (!row.entry.comparison?.werChange) return NO_NUMBER;
  if (isShownWithinMargin(row)) return 'shown';
  return isWithinMargin(row) ? 'as measured' : 'no';
}

function speedOf({ entry }: Measured): number {
  return entry.comparison?.latencySpeedUp.value ?? 1;
}
