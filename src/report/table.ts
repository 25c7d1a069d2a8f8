import { UnavailableError } from '../errors.js';
import type { ConditionSummary, Summary } from '../experiment/schema.js';
import { answerOf } from './answer.js';
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

/** The table that answers the experiment's question: a row for each measure, a column for each condition. */
export interface AnswerTable {
  readonly title: string;
  /** Header: `Measure`, then the conditions. */
  readonly columns: readonly string[];
  /** Cells, already formatted; the first of each row is its header, with the unit. */
  readonly rows: readonly (readonly string[])[];
  /** Sentences below the table: the answer, how intervals are meant, which conditions are missing and why. */
  readonly notes: readonly string[];
}

type Cells = Readonly<Record<string, string>>;

/** The part of a danfo.js frame that is used here; its own types need TensorFlow's. */
interface Frame {
  readonly columns: readonly string[];
  readonly index: readonly (string | number)[];
  readonly values: readonly (readonly string[])[];
  readonly T: Frame;
}

type FrameConstructor = new (data: readonly Cells[], options: { readonly index: readonly string[] }) => Frame;

/**
 * Builds the answer table with danfo.js: a frame with a row for each condition, turned on its side.
 *
 * @param summary - summary of a run
 * @throws {UnavailableError} when `danfojs-node` is not installed
 */
export async function buildAnswerTable(summary: Summary): Promise<AnswerTable> {
  const DataFrame = await loadDataFrame();
  const frame = new DataFrame(
    summary.conditions.map((entry) => cellsOf(entry)),
    { index: summary.conditions.map(({ condition }) => condition.title) },
  ).T;
  return {
    title: `Measured on ${machineOf(summary)}`,
    columns: ['Measure', ...frame.columns],
    rows: frame.values.map((cells, place) => [String(frame.index[place]), ...cells]),
    notes: [
      answerOf(summary),
      'In parentheses: 95 % intervals. The change of word error rate compares the same utterances.',
      ...gapsOf(summary),
    ],
  };
}

/** Cells of a condition under their headers, units included; a dash where nothing was measured. */
function cellsOf({ outcome, latency, throughput, accuracy, comparison }: ConditionSummary): Cells {
  const p90 = latency?.p90Ms ?? null;
  return {
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

async function loadDataFrame(): Promise<FrameConstructor> {
  try {
    const danfo = (await import('danfojs-node')) as unknown as { readonly DataFrame: FrameConstructor };
    return danfo.DataFrame;
  } catch (error) {
    throw new UnavailableError('danfojs-node: the package was required, got none; run npm install danfojs-node', {
      cause: error,
    });
  }
}
