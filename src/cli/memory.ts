import type { Command } from 'commander';
import { type MemorySummary, measureMemory } from '../measure/memory/memory.js';
import {
  findSmallestLimit,
  type LimitResult,
  runWithinLimit,
  SMALL_DEVICE_BYTES,
} from '../measure/memory/memoryLimit.js';
import { recordingOf } from '../speech/corpora/recordings.js';
import { columns, megabytes, tableOf } from './columns.js';
import { examples } from './help.js';
import { namedModels } from './models.js';
import { addJson, addModels, addRuns, addSpeech, addThreads, declare, type Given, threadsOf } from './optionGroups.js';
import { wholeNumber } from './options.js';
import { printJson } from './output.js';
import { heardOf } from './recordings.js';
import type { Terminal } from './terminal.js';

interface MemoryCommandOptions extends Pick<Given, 'manifest' | 'runs' | 'threads' | 'json'> {
  readonly limit?: number;
  readonly smallest?: true;
}

/** What the command found of one model. */
interface Found {
  readonly title: string;
  readonly memory: MemorySummary;
  /** On a small device; `null` where it was not tried. */
  readonly device: LimitResult | null;
  readonly smallest: LimitResult | null;
}

const MEBIBYTE = 2 ** 20;

/** `quantlab memory`: how much memory and room models take. */
export function addMemoryCommand(program: Command, terminal: Terminal): void {
  declare(program.command('memory'), addModels, addSpeech('holdout'), addRuns, addThreads, addJson)
    .description(
      'Memory of a process that holds one model, its size on the disk, and whether a small device can run it',
    )
    .option(
      '--limit <MiB>',
      `try it on one core with so much memory (${SMALL_DEVICE_BYTES / MEBIBYTE}: a small device)`,
      wholeNumber(1),
    )
    .option('--smallest', 'find the smallest limit within which it runs on one core')
    .addHelpText('after', examples('memory deepspeech2-lstm small.onnx', 'memory small.onnx --limit 512 --smallest'))
    .action(async (names: readonly string[], options: MemoryCommandOptions) => {
      const models = await namedModels(names);
      const utterances = await heardOf(options.manifest, terminal);
      const recordings = utterances.slice(0, options.runs).map(recordingOf);
      const progress = terminal.progress();
      const { signal } = terminal;
      const found: Found[] = [];
      try {
        for (const model of models) {
          const title = model.card.id;
          const { runs } = options;
          const memory = await measureMemory(model, {
            recordings,
            runs,
            threads: await threadsOf(options),
            signal,
            onProgress: (done, total) => progress.update(found.length * total + done, models.length * total, title),
          });
          const limits = { recordings, runs, signal };
          const device =
            options.limit === undefined
              ? null
              : await runWithinLimit(model, { ...limits, limitBytes: options.limit * MEBIBYTE });
          const smallest = options.smallest ? (await findSmallestLimit(model, limits)).smallest : null;
          found.push({ title, memory, device, smallest });
        }
      } finally {
        progress.stop();
      }
      if (options.json) printJson(found, terminal);
      else terminal.print(describe(found));
    });
}

function describe(found: readonly Found[]): string {
  const arenas = found.flatMap(({ title, memory }) =>
    [memory.withArena, memory.withoutArena].map((measured) => ({ title, ...measured })),
  );
  const resident = tableOf(arenas, {
    model: ({ title }) => title,
    arena: ({ arena }) => (arena ? 'on' : 'off'),
    'before loading': ({ baseline }) => megabytes(baseline.residentBytes),
    loaded: ({ loaded }) => megabytes(loaded.residentBytes),
    'after runs': ({ afterRuns }) => megabytes(afterRuns.residentBytes),
    peak: ({ afterRuns }) => megabytes(afterRuns.peakBytes),
    'after runs, shared divided': ({ afterRuns: { proportionalBytes } }) =>
      proportionalBytes === null ? '–' : megabytes(proportionalBytes),
  });
  const disk = tableOf(found, {
    model: ({ title }) => title,
    size: ({ memory: { size } }) => megabytes(size.sizeBytes),
    'gzip -9': ({ memory: { size } }) => megabytes(size.gzipBytes),
    values: ({ memory: { size } }) => size.values,
    'by type': ({ memory: { size } }) =>
      size.types.map(({ dtype, sizeBytes }) => `${dtype} ${megabytes(sizeBytes)}`).join(', '),
  });
  const parts = ['Resident memory:\n', columns(...resident), '\nOn the disk:\n', columns(...disk)];
  const tried = found.flatMap(({ title, device, smallest }) => [
    ...(device === null ? [] : [limitLine(title, device)]),
    ...(smallest === null ? [] : [`${title}: the smallest limit that fits is ${describeLimit(smallest)}.\n`]),
  ]);
  return [...parts, ...(tried.length > 0 ? ['\nOn one core:\n', ...tried] : [])].join('');
}

function limitLine(title: string, result: LimitResult): string {
  const times = result.meanMs === null ? '' : `, ${result.meanMs.toFixed(1)} ms a run`;
  const { reason, anonymousBytes } = result;
  const held = anonymousBytes === null ? '' : `, ${Math.round(anonymousBytes / MEBIBYTE)} MiB of them of no file`;
  const why = reason === null ? '' : ` (${reason}${held})`;
  return `${title}: ${result.fits ? 'fits' : 'fails'} in ${describeLimit(result)}${times}${why}.\n`;
}

function describeLimit({ limitBytes, method, arena }: LimitResult): string {
  const how = method === 'kernel' ? 'limited by a control group' : 'resident memory watched';
  return `${Math.round(limitBytes / MEBIBYTE)} MiB (${how}, arena ${arena ? 'on' : 'off'})`;
}
