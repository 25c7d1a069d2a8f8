import type { ConditionSummary, LatencySummary, Summary } from '../experiment/schema.js';
import type { TranscriptionCost } from '../measure/cost/cost.js';
import { readPrices } from '../measure/cost/prices.js';
import { answerOf } from './answer.js';
import { cheapestCost, speedsOf } from './costOf.js';
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
  const prices = await readPrices();
  const costs = new Map(speedsOf(summary).map((speed) => [speed.condition, cheapestCost(speed, prices)]));
  const rows = summary.conditions.map((entry) => ({
    ...cellsOf(entry),
    ...resourceCells(entry, costs.get(entry.condition.id) ?? null),
  }));
  return await buildTable(rows, {
    title: `Measured on ${machineOf(summary)}`,
    notes: [
      answerOf(summary),
      'In parentheses: 95 % intervals. The change of word error rate compares the same utterances.',
      ...methodsOf(summary, [...costs.values()]),
      ...gapsOf(summary),
      ...(summary.warnings ?? []).map((warning) => `Warning: ${warning}`),
    ],
    turned: true,
  });
}

/** Cells of a condition under their headers, units included; a dash where nothing was measured. */
function cellsOf(entry: ConditionSummary): TableCells {
  const { condition, outcome, latency, throughput, accuracy, beamAccuracy, comparison } = entry;
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
    'Change of it (points)': comparison?.werChange ? formatEstimate(comparison.werChange, formatPoints) : NO_NUMBER,
    'Character error rate (%)': accuracy ? formatEstimate(accuracy.cer, formatPercent) : NO_NUMBER,
    'WER by beam search with a language model (%)': beamAccuracy
      ? formatEstimate(beamAccuracy.wer, formatPercent)
      : NO_NUMBER,
    'Change of that (points)': comparison?.beamWerChange
      ? formatEstimate(comparison.beamWerChange, formatPoints)
      : NO_NUMBER,
    'Model file (MB)': measured ? formatMegabytes(measured.sizeBytes) : NO_NUMBER,
    'Times smaller': comparison ? formatFactor(comparison.compression) : NO_NUMBER,
  };
}

/** What it takes besides time. */
function resourceCells({ outcome }: ConditionSummary, cost: TranscriptionCost | null): TableCells {
  const { memory, energy } = outcome.status === 'measured' ? outcome : {};
  const { baseline, afterRuns } = memory?.withArena ?? {};
  return {
    'Memory, peak (MB)': afterRuns ? formatMegabytes(afterRuns.peakBytes) : NO_NUMBER,
    'Memory, steady (MB)': afterRuns ? formatMegabytes(afterRuns.residentBytes) : NO_NUMBER,
    'Memory without a model (MB)': baseline ? formatMegabytes(baseline.residentBytes) : NO_NUMBER,
    'Energy (J an utterance)': energy ? formatEstimate(energy.joulesPerUtterance, three) : NO_NUMBER,
    'Cost (US$ for 1,000 h of sound)': cost ? formatEstimate(cost.usdPer1000Hours, two) : NO_NUMBER,
  };
}

/** How energy and cost were found; the same methods are said once. */
function methodsOf(summary: Summary, costs: readonly (TranscriptionCost | null)[]): readonly string[] {
  const energies = summary.conditions.flatMap(({ outcome }) => {
    const energy = outcome.status === 'measured' ? outcome.energy : null;
    if (!energy) return [];
    const { estimated, method, scope, citation } = energy.source;
    const source = citation === null ? '' : ` Source: ${citation}.`;
    return [`Energy is ${estimated ? 'an estimate' : 'measured'} (${method}): ${scope}.${source}`];
  });
  const prices = costs.flatMap((cost) =>
    cost === null
      ? []
      : [
          `Cost is an estimate: ${cost.provider} ${cost.instance} at $${cost.usdPerHour} an hour, always at work, ${cost.assumption}. Price: ${cost.citation}.`,
        ],
  );
  return [...new Set([...energies, ...prices])];
}

/** MLPerf's early-stopping estimate, or how many trials it would take: a percentile is not claimed from fewer. */
function percentileCell(latency: LatencySummary | null, percentile: number): string {
  // Summaries made before there were more than one have the 90th alone.
  const old = percentile === 0.9 ? (latency?.p90Ms ?? null) : null;
  const bound = latency?.percentiles?.find((entry) => entry.percentile === percentile);
  if (bound === undefined) return old === null ? NO_NUMBER : formatMs(old);
  return bound.valueMs === null ? `needs ${bound.trialsNeeded} trials` : formatMs(bound.valueMs);
}

function two(value: number): string {
  return formatNumber(value, 2);
}

function three(value: number): string {
  return formatNumber(value, 3);
}

function one(value: number): string {
  return formatNumber(value, 1);
}
