import { bootstrap } from 'quantlab/measure';
import type { Utterance } from 'quantlab/speech';
import { countWordEdits, createNormaliser } from 'quantlab/speech';
import { median } from '../quantizer/processes.js';
import type { Missing } from './conditions.js';
import type { Answer } from './worker.js';

/** One recording, heard by one condition. */
export interface Heard extends Answer {
  readonly condition: string;
  readonly threads: number;
  readonly id: string;
}

/** All that was observed. */
export interface Result {
  readonly machine: string;
  readonly recordings: readonly { readonly id: string; readonly text: string }[];
  /** What the recordings were drawn by; `null`: they are all. */
  readonly seed: number | null;
  readonly versions: Readonly<Record<string, string>>;
  readonly fileBytes: Readonly<Record<string, number>>;
  readonly missing: readonly Missing[];
  readonly heard: readonly Heard[];
}

/** The one that times, memory and files are set beside. */
const REFERENCE = 'faster-whisper int8';
const FLOAT = 'openai-whisper float32';

/** So many of the recordings, drawn without replacement by a seed; all without a number. */
export function drawn(all: readonly Utterance[], count: string | undefined, seed: number): readonly Utterance[] {
  if (count === undefined) return all;
  // Park and Miller's generator: the same everywhere.
  let state = seed;
  const keyed = all.map((one): [number, Utterance] => {
    state = (state * 48_271) % 2_147_483_647;
    return [state, one];
  });
  return keyed
    .sort(([a], [b]) => a - b)
    .slice(0, Number(count))
    .map(([, one]) => one);
}

/** A table for each number of threads. */
export function summaryTable(result: Result): string {
  const { machine, recordings, seed, missing } = result;
  const counts = [...new Set(result.heard.map(({ threads }) => threads))];
  const drawnBy = seed === null ? '' : `, drawn by seed ${seed}`;
  return [
    `${machine}; ${recordings.length} recordings${drawnBy}. Times: median over recordings of ms a recording. Times as fast: median of the ratios within a recording, 95 % bootstrap interval over recordings.`,
    ...counts.map((threads) => tableOf(result, threads)),
    ...missing.map(({ name, reason }) => `Not measured: ${name}: ${reason}.`),
    '',
  ].join('\n\n');
}

function tableOf(result: Result, threads: number): string {
  const of = (condition: string): Map<string, Heard> =>
    new Map(
      result.heard.filter((one) => one.condition === condition && one.threads === threads).map((one) => [one.id, one]),
    );
  const names = [...new Set(result.heard.map(({ condition }) => condition))].filter((name) => of(name).size > 0);
  const [reference, float] = [of(REFERENCE), of(FLOAT)];
  const rows = names.map((name) => {
    const own = of(name);
    const all = [...own.values()];
    const peak = Math.max(...all.map(({ peakMemoryMb }) => peakMemoryMb));
    return [
      name,
      median(all.map(({ ms }) => ms)).toFixed(0),
      partsOf(all),
      median(all.map(({ processorMs }) => processorMs)).toFixed(0),
      ratioOf(reference, own),
      ratioOf(float, own),
      errorRateOf(own, result),
      peak.toFixed(0),
      ((result.fileBytes[name] ?? Number.NaN) / 1e6).toFixed(1),
    ];
  });
  const head = [
    `${threads} thread${threads === 1 ? '' : 's'}, ${of(names[0] ?? '').size} recordings`,
    'ms',
    'features + encoder + decoder, ms',
    'processor ms',
    `times as fast as ${REFERENCE}`,
    `as ${FLOAT}`,
    'WER %',
    'peak memory MB',
    'model MB',
  ];
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function partsOf(all: readonly Heard[]): string {
  if (all[0]?.parts === undefined) return '–';
  return [0, 1, 2].map((part) => median(all.map(({ parts }) => parts?.[part] ?? Number.NaN)).toFixed(0)).join(' + ');
}

function ratioOf(slow: ReadonlyMap<string, Heard>, own: ReadonlyMap<string, Heard>): string {
  const ratios = [...own.values()].flatMap(({ id, ms }) => {
    const beside = slow.get(id);
    return beside === undefined ? [] : [beside.ms / ms];
  });
  if (ratios.length === 0) return '–';
  const { value, low, high } = bootstrap(ratios.length, (indices) =>
    median(Array.from(indices, (index) => ratios[index] as number)),
  );
  return `${value.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}

function errorRateOf(own: ReadonlyMap<string, Heard>, { recordings }: Result): string {
  const normalise = createNormaliser('whisper');
  const counts = recordings.flatMap(({ id, text }) => {
    const heard = own.get(id);
    if (heard === undefined) return [];
    const { substitutions, deletions, insertions, hits } = countWordEdits(normalise(text), normalise(heard.text));
    return [{ edits: substitutions + deletions + insertions, words: hits + substitutions + deletions }];
  });
  const { value, low, high } = bootstrap(counts.length, (indices) => {
    let [edits, words] = [0, 0];
    for (const index of indices) {
      edits += counts[index]?.edits ?? 0;
      words += counts[index]?.words ?? 0;
    }
    return (100 * edits) / words;
  });
  return `${value.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}
