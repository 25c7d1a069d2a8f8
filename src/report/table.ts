import type { ConditionSummary, LatencySummary, Summary } from '../experiment/schema.js';
import { answerOf } from './answer.js';
import { buildTable, type DataTable, type TableCells } from './dataTable.js';
import {
  formatEstimate,
  formatFactor,
  formatMegabytes,
  formatMs,
  formatNumber,
  formatPercent,
  formatPoints,
  NO_NUMBER,
} from './format.js';
import { gapsOf, machineOf } from './measured.js';

/**
 * Builds the table that answers the experiment's question: a row for each measure, a column for each condition.
 *
 * @param summary - summary of a run
 * @throws {UnavailableError} when `danfojs-node` is not installed
 */
export async function buildAnswerTable(summary: Summary): Promise<DataTable> {
  return await buildTable(summary.conditions.map(cellsOf), {
    title: `Measured on ${machineOf(summary)}`,
    notes: [
      answerOf(summary),
      'In parentheses: 95 % intervals. The change of word error rate compares the same utterances.',
      ...gapsOf(summary),
      ...(summary.warnings ?? []).map((warning) => `Warning: ${warning}`),
    ],
    turned: true,
  });
}

/** Cells of a condition under their headers, units included; a dash where nothing was measured. */
function cellsOf({ condition, outcome, latency, throughput, accuracy, comparison }: ConditionSummary): TableCells {
  const measured = outcome.status === 'measured' ? outcome : null;
  return {
    Measure: condition.title,
    Status: outcome.status,
    'Latency, mean (ms)': latency ? formatEstimate(latency.meanMs, formatMs) : NO_NUMBER,
    'Latency, median (ms)': latency ? formatEstimate(latency.medianMs, formatMs) : NO_NUMBER,
    'Latency, 90th percentile (ms)': percentileCell(latency, 0.9),
    'Latency, 95th percentile (ms)': percentileCell(latency, 0.95),
    'Latency, 99th percentile (ms)': percentileCell(latency, 0.99),
    'Cold start: model loaded (ms)': measured ? formatMs(measured.loadMs) : NO_NUMBER,
    'Cold start: first call (ms)': measured ? formatMs(measured.firstRunMs) : NO_NUMBER,
    'Speed-up of mean latency': comparison ? formatEstimate(comparison.latencySpeedUp, formatFactor) : NO_NUMBER,
    'Throughput (utterances/s)': throughput ? formatEstimate(throughput.utterancesPerS, one) : NO_NUMBER,
    'Throughput (s of sound/s)': throughput ? formatEstimate(throughput.audioSPerS, one) : NO_NUMBER,
    'Speed-up of throughput': comparison ? formatEstimate(comparison.throughputSpeedUp, formatFactor) : NO_NUMBER,
    'Word error rate (%)': accuracy ? formatEstimate(accuracy.wer, formatPercent) : NO_NUMBER,
    'Change of it (points)': comparison ? formatEstimate(comparison.werChange, formatPoints) : NO_NUMBER,
    'Character error rate (%)': accuracy ? formatEstimate(accuracy.cer, formatPercent) : NO_NUMBER,
    'Model file (MB)': measured ? formatMegabytes(measured.sizeBytes) : NO_NUMBER,
    'Times smaller': comparison ? formatFactor(comparison.compression) : NO_NUMBER,
  };
}

/** MLPerf's early-stopping estimate, or how many trials it would take: a percentile is not claimed from fewer. */
function percentileCell(latency: LatencySummary | null, percentile: number): string {
  // Summaries made before there were more than one have the 90th alone.
  const old = percentile === 0.9 ? (latency?.p90Ms ?? null) : null;
  const bound = latency?.percentiles?.find((entry) => entry.percentile === percentile);
  if (bound === undefined) return old === null ? NO_NUMBER : formatMs(old);
  return bound.valueMs === null ? `needs ${bound.trialsNeeded} trials` : formatMs(bound.valueMs);
}

function one(value: number): string {
  return formatNumber(value, 1);
}
