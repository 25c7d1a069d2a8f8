import type { ConditionSummary, Summary } from '../experiment/schema.js';
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
    ],
    turned: true,
  });
}

/** Cells of a condition under their headers, units included; a dash where nothing was measured. */
function cellsOf({ condition, outcome, latency, throughput, accuracy, comparison }: ConditionSummary): TableCells {
  const p90 = latency?.p90Ms ?? null;
  return {
    Measure: condition.title,
    Status: outcome.status,
    'Latency, mean (ms)': latency ? formatEstimate(latency.meanMs, formatMs) : NO_NUMBER,
    'Latency, median (ms)': latency ? formatEstimate(latency.medianMs, formatMs) : NO_NUMBER,
    'Latency, 90th percentile (ms)': p90 === null ? NO_NUMBER : formatMs(p90),
    'Speed-up of mean latency': comparison ? formatEstimate(comparison.latencySpeedUp, formatFactor) : NO_NUMBER,
    'Throughput (utterances/s)': throughput ? formatEstimate(throughput.utterancesPerS, one) : NO_NUMBER,
    'Throughput (s of sound/s)': throughput ? formatEstimate(throughput.audioSPerS, one) : NO_NUMBER,
    'Speed-up of throughput': comparison ? formatEstimate(comparison.throughputSpeedUp, formatFactor) : NO_NUMBER,
    'Word error rate (%)': accuracy ? formatEstimate(accuracy.wer, formatPercent) : NO_NUMBER,
    'Change of it (points)': comparison ? formatEstimate(comparison.werChange, formatPoints) : NO_NUMBER,
    'Character error rate (%)': accuracy ? formatEstimate(accuracy.cer, formatPercent) : NO_NUMBER,
    'Model file (MB)': outcome.status === 'measured' ? formatMegabytes(outcome.sizeBytes) : NO_NUMBER,
    'Times smaller': comparison ? formatFactor(comparison.compression) : NO_NUMBER,
  };
}

function one(value: number): string {
  return formatNumber(value, 1);
}
