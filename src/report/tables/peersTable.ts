import { type AccuracySummary, summarizeAccuracy } from '../../measure/accuracy/accuracy.js';
import { compareTexts } from '../../measure/accuracy/textComparison.js';
import { bootstrapMedian, type Estimate } from '../../measure/statistics/bootstrap.js';
import { median } from '../../measure/statistics/statistics.js';
import { type PeerCondition, type PeerHearing, type PeerResults, threadCountsOf } from '../../study/peers.js';
import { buildTable, type DataTable } from './dataTable.js';
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

/** What follows from what a condition heard on a number of threads. */
export interface PeerRow {
  readonly condition: PeerCondition;
  readonly threads: number;
  /** Median over the recordings. */
  readonly medianMs: number;
  readonly medianProcessorMs: number;
  /** Medians of the parts of a time; empty where the condition does not tell them apart. */
  readonly partsMs: readonly number[];
  /** For each of {@link PeerResults.beside}: median of the ratios within a recording; `null` where it was not measured. */
  readonly timesAsFast: readonly (Estimate | null)[];
  readonly accuracy: AccuracySummary;
  /** Word error rate minus that of the float condition, as a fraction; `null` for itself, and where that was not measured. */
  readonly werChange: Estimate | null;
  readonly peakBytes: number;
  /** Recordings of which the network gave the same, bit for bit, as that of {@link PeerResults.sameAs}; `null` where it is not told. */
  readonly sameOutputs: number | null;
}

/**
 * Summarises what was observed of peers on a number of threads, in the order of the conditions.
 *
 * @param threads - one of those that were measured
 */
export function peerRowsOf(results: PeerResults, threads: number): readonly PeerRow[] {
  const heardBy = (id: string): readonly PeerHearing[] => {
    return results.recordings.flatMap((recording) =>
      results.heard.filter((one) => one.condition === id && one.threads === threads && one.recording === recording.id),
    );
  };
  const textOf = new Map(results.recordings.map(({ id, text }) => [id, text]));
  const texts = (heard: readonly PeerHearing[]) =>
    heard.map(({ recording, text }) => ({ reference: textOf.get(recording) ?? '', text }));
  const float = heardBy(results.float);
  const beside = results.beside.map(heardBy);
  const model = results.sameAs === undefined ? [] : heardBy(results.sameAs);
  return results.conditions.flatMap((condition): PeerRow[] => {
    const own = heardBy(condition.id);
    if (own.length === 0) return [];
    const tells = own.every(({ output }) => output !== undefined) && model.length > 0;
    const { normaliser } = results;
    return [
      {
        condition,
        threads,
        medianMs: median(own.map(({ ms }) => ms)),
        medianProcessorMs: median(own.map(({ processorMs }) => processorMs)),
        partsMs: results.parts.flatMap((_, part) => {
          const times = own.flatMap(({ parts = [] }) => parts.slice(part, part + 1));
          return times.length === own.length ? [median(times)] : [];
        }),
        timesAsFast: beside.map((slow) =>
          slow.length === 0 ? null : bootstrapMedian(own.map(({ ms }, index) => (slow[index]?.ms ?? Number.NaN) / ms)),
        ),
        accuracy: summarizeAccuracy(texts(own), normaliser),
        werChange:
          condition.id === results.float || float.length === 0
            ? null
            : compareTexts(texts(float), texts(own), { normaliser }).werChange,
        peakBytes: Math.max(...own.map(({ peakBytes }) => peakBytes)),
        sameOutputs:
          tells && condition.id !== results.sameAs
            ? own.filter(({ output }, index) => output === model[index]?.output).length
            : null,
      },
    ];
  });
}

/** The table of peers: a row for each condition on each number of threads, with what it is made of and what is missing below it. */
export function buildPeersTable(results: PeerResults): DataTable {
  const titleOf = (id: string): string => results.conditions.find((one) => one.id === id)?.title ?? id;
  const rows = threadCountsOf(results).flatMap((threads) => peerRowsOf(results, threads));
  const hasParts = rows.some(({ partsMs }) => partsMs.length > 0);
  const cells = rows.map((row) => ({
    Program: row.condition.title,
    Threads: `${row.threads}`,
    'Time, median (ms)': formatMs(row.medianMs),
    ...(hasParts && {
      [`${capital(results.parts.join(' + '))} (ms)`]:
        row.partsMs.length === 0 ? NO_NUMBER : row.partsMs.map((ms) => formatMs(ms)).join(' + '),
    }),
    'Processor time (ms)': formatMs(row.medianProcessorMs),
    ...Object.fromEntries(
      results.beside.map((id, index) => [
        `Times as fast as ${titleOf(id)}`,
        ratioText(row.timesAsFast[index] ?? null, id === row.condition.id),
      ]),
    ),
    'Word error rate (%)': formatEstimate(row.accuracy.wer, formatPercent),
    [`Change against ${titleOf(results.float)} (points)`]:
      row.werChange === null ? NO_NUMBER : formatEstimate(row.werChange, formatPoints),
    'Memory, peak (MB)': formatMegabytes(row.peakBytes),
    'Model (MB)': formatMegabytes(row.condition.sizeBytes),
  }));
  return buildTable(cells, {
    title: `${results.model}: other programs beside ours, measured on ${results.environment.cpu}`,
    notes: [
      `${countsText(rows, results)} ${results.corpus}`,
      ...results.method,
      'Times as fast: median of the ratios within a recording. In parentheses: 95 % intervals over recordings.',
      ...identityOf(results),
      ...results.conditions.map(({ title, description, version }) => `${title}: ${description} (${version}).`),
      ...results.missing.map(({ title, reason }) => `Not measured: ${title}: ${reason.replace(/\.$/, '')}.`),
      quietOf(results),
    ],
  });
}

function ratioText(ratio: Estimate | null, isSame: boolean): string {
  if (ratio === null) return NO_NUMBER;
  return isSame ? formatFactor(1) : formatEstimate(ratio, formatFactor);
}

/** `2 threads: 30 recordings, 615 words; 1 thread: …`. */
function countsText(rows: readonly PeerRow[], results: PeerResults): string {
  const parts = threadCountsOf(results).map((threads) => {
    const { utterances = 0, words = 0 } = rows.find((row) => row.threads === threads)?.accuracy ?? {};
    return `${threadsText(threads)}: ${utterances} recordings, ${formatNumber(words, 0)} words`;
  });
  return `${parts.join('; ')}.`;
}

/** A sentence for the conditions whose network gave the same as another's, bit for bit, for as many recordings. */
export function identityOf(results: PeerResults): readonly string[] {
  const rows = threadCountsOf(results).flatMap((threads) => peerRowsOf(results, threads));
  const model = results.conditions.find(({ id }) => id === results.sameAs)?.title ?? '';
  const titles = new Map<string, string[]>();
  for (const { condition, threads, sameOutputs, accuracy } of rows) {
    // Outputs of models that are not meant to be the same differ in each recording.
    if (sameOutputs === null || sameOutputs === 0) continue;
    const what = `what ${model} gives for ${sameOutputs} of ${accuracy.utterances} recordings (${threadsText(threads)})`;
    titles.set(what, [...(titles.get(what) ?? []), condition.title]);
  }
  return [...titles].map(([what, own]) => `The same, bit for bit, as ${what}: ${own.join('; ')}.`);
}

/** `2 threads`, `1 thread`. */
export function threadsText(threads: number): string {
  return `${threads} thread${threads === 1 ? '' : 's'}`;
}

/** Share of the processors' time that others may have had of a machine that is called quiet. */
const QUIET = 0.05;

/** Whether the machine had other work: as a sentence. */
export function quietOf({ othersShare, environment, loadAfter }: PeerResults): string {
  const loads = `load of the last minute: ${formatNumber(environment.load.lastMinute, 2)} before, ${formatNumber(loadAfter.lastMinute, 2)} after, the bench's own included`;
  if (othersShare === null) return `Whether the machine was quiet is not told (${loads}).`;
  return `The machine was ${othersShare <= QUIET ? 'quiet' : 'busy'}: other processes had ${formatNumber(100 * othersShare, 1)} % of the processors' time (${loads}).`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * How ours that are compressed stand to the first condition that times are set beside, on the first number of threads, true whatever the
 * numbers are; the table has the other ones.
 */
export function peersAnswerOf(results: PeerResults): string {
  const [reference = ''] = results.beside;
  const title = results.conditions.find(({ id }) => id === reference)?.title ?? reference;
  return threadCountsOf(results)
    .slice(0, 1)
    .map((threads) => {
      const rows = peerRowsOf(results, threads);
      const theirs = rows.find(({ condition }) => condition.id === reference);
      const parts = rows
        .filter(({ condition }) => condition.isOurs && condition.id !== results.float)
        .map((row) => {
          const [ratio = null] = row.timesAsFast;
          const two = (value: number): string => formatNumber(value, 2);
          const speed = ratio === null ? 'is not beside it' : `is ${formatEstimate(ratio, two, ' times as fast')}`;
          return `${row.condition.title} ${speed}, with ${burdenOf(row)}`;
        });
      const own = theirs ? `, with ${burdenOf(theirs)}` : '';
      return `Beside ${title}${own}, on ${threadsText(threads)}: ${parts.join('; ')}.`;
    })
    .join(' ');
}

function burdenOf({ accuracy, peakBytes }: PeerRow): string {
  return `${formatPercent(accuracy.wer.value)} % of the words wrong and ${formatMegabytes(peakBytes)} MB`;
}
