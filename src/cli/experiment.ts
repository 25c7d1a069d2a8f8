import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../errors.js';
import { writeFileAtomic } from '../files.js';
import { WHISPER_RESULTS, writeReport } from '../report/post/writeReport.js';
import { buildAnswerTable } from '../report/tables/table.js';
import { tableToMarkdown, tableToText } from '../report/tables/tableText.js';
import { NORMALISER_NAMES, type NormaliserName } from '../speech/text/normaliser.js';
import { readFinishedRun } from '../study/finishedRun.js';
import { defaultPlan, type ExperimentPlan, languageModelFor, readPlan } from '../study/plan.js';
import { runExperiment } from '../study/runner.js';
import type { RunProgress } from '../study/runOptions.js';
import type { Shard, Summary } from '../study/schema.js';
import { whisperPlan } from '../study/whisperPlan.js';
import { examples } from './help.js';
import {
  addJson,
  addModelOption,
  addPace,
  addRestart,
  addSpeech,
  addThreads,
  awaitQuiet,
  declare,
  type Given,
} from './optionGroups.js';
import { wholeNumber } from './options.js';
import { printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface ExperimentCommandOptions
  extends Pick<Given, 'out' | 'short' | 'threads' | 'resume' | 'restart' | 'waitUntilQuiet' | 'json'> {
  readonly normaliser?: NormaliserName;
  readonly model?: string;
  readonly manifest?: string;
  readonly shard?: Shard;
  readonly trialLimit?: number;
  readonly whisper?: string;
  readonly figures?: string;
  readonly post?: string;
}

/** Trials of `--short`: enough to see every part work, too few to conclude from. */
const SHORT_TRIALS = {
  starts: 1,
  latencyTrials: 30,
  throughputTrials: 5,
  resources: { memoryRuns: 5, energyTrials: 20 },
} as const;

/** `quantlab experiment`: the whole measurement, and what people read of it. */
export function addExperimentCommand(program: Command, terminal: Terminal): void {
  declare(
    program.command('experiment'),
    addModelOption('those of the plan'),
    addSpeech(),
    addThreads,
    addPace,
    addRestart,
    addJson,
  )
    .description('Measure latency, throughput, accuracy and size of float32 and int8; write table, figures and post')
    .argument(
      '[plan]',
      'a JSON file of conditions and protocol, or `whisper`; default: float32 and int8 on the CPU, of two models, and float32 on a GPU',
    )
    .option('-o, --out <folder>', 'folder of the run (default: data/results/latest; with --short: data/results/short)')
    .addOption(
      new Option(
        '--normaliser <name>',
        'form in which texts are compared (default: plain, or what the plan says)',
      ).choices(NORMALISER_NAMES),
    )
    .option(
      '--shard <i/n>',
      'run the i-th of n parts, for quantlab merge (folder: data/results/shard-i-of-n)',
      parseShard,
    )
    .option(
      '--trial-limit <s>',
      'seconds after which a trial counts as hung, and its condition as failed',
      wholeNumber(1),
    )
    .option('--whisper <folder>', 'then measure this Whisper, too: an imported folder')
    .option('--figures <folder>', 'where figures go (default: figures; with --short: in the folder of the run)')
    .option('--post <folder>', 'where the write-up lies (default: post; with --short: it is left alone)')
    .addHelpText('after', examples('experiment --short', 'experiment whisper --model whisper-tiny.en'))
    .action(async (named: string | undefined, options: ExperimentCommandOptions) => {
      const isWhisper = named === WHISPER;
      const out = options.out ?? join('data', 'results', folderName(options, isWhisper));
      const summary = await measure(await choosePlan(named, options), out, options, terminal);
      if (options.shard !== undefined) {
        terminal.say(
          `Results of shard ${options.shard.index} of ${options.shard.count}: ${out}. Next: quantlab merge\n`,
        );
        return;
      }
      if (isWhisper) {
        await showTable(summary, out, options, terminal);
        return;
      }
      const whisperOut = `${out}-${WHISPER}`;
      const whisperFolder = options.whisper && (options.out || options.short ? whisperOut : WHISPER_RESULTS);
      if (options.whisper && whisperFolder) {
        const { whisper: model, ...others } = options;
        const plan = await choosePlan(WHISPER, { ...others, model });
        await measure(plan, whisperFolder, options, terminal);
      }
      terminal.say('Drawing the figures …\n');
      const report = await writeReport(out, {
        figuresFolder: options.figures ?? (options.short ? join(out, 'figures') : 'figures'),
        postFolder: options.post ?? (options.short ? null : 'post'),
        ...(options.short && { laboratoryFolder: null }),
        ...(whisperFolder && { whisperFolder }),
      });
      if (!options.json) terminal.print(`\n${report.text}\n`);
      for (const warning of report.warnings) terminal.say(`${warning}\n`);
      if (whisperFolder)
        await showTable((await readFinishedRun(whisperFolder)).summary, whisperFolder, options, terminal);
      const folders = [...new Set(report.files.map((file) => join(file, '..')))];
      terminal.say(`Results: ${out}. Written from them: ${folders.join(', ')}.\n`);
    });
}

/** Runs a plan, its progress shown. */
async function measure(
  plan: ExperimentPlan,
  out: string,
  options: ExperimentCommandOptions,
  terminal: Terminal,
): Promise<Summary> {
  const quiet = await awaitQuiet(options, terminal);
  const said = new Set<string>();
  const warn = (warning: string): void => {
    if (!said.has(warning)) terminal.say(`warning: ${warning}\n`);
    said.add(warning);
  };
  const progress = terminal.progress();
  const titles = new Map(plan.conditions.map(({ id, title }) => [id, title]));
  const show = ({ condition, phase, overallDone, overallTotal }: RunProgress): void =>
    progress.update(overallDone, overallTotal, `${titles.get(condition) ?? condition}, ${phase}`);
  try {
    const summary = await runExperiment(plan, {
      ...quiet,
      out,
      onProgress: show,
      signal: terminal.signal,
      resume: options.resume === true,
      restart: options.restart === true,
      onWarning: warn,
      onLeftOut: terminal.leaveOut,
      onMismatch: warn,
      ...(options.shard !== undefined && { shard: options.shard }),
      ...(options.trialLimit !== undefined && { trialLimitMs: 1000 * options.trialLimit }),
    });
    progress.stop();
    for (const warning of summary.warnings) warn(warning);
    if (options.json) printJson(summary, terminal);
    return summary;
  } finally {
    progress.stop();
  }
}

/** The table of a Whisper's run, which has no write-up of its own. */
async function showTable(
  summary: Summary,
  out: string,
  options: ExperimentCommandOptions,
  terminal: Terminal,
): Promise<void> {
  const table = await buildAnswerTable(summary);
  await writeFileAtomic(join(out, 'table.md'), tableToMarkdown(table));
  if (!options.json) terminal.print(`\n${tableToText(table)}\n`);
  terminal.say(`Results: ${out}. \`quantlab report\` puts those of ${WHISPER_RESULTS} into figures and write-up.\n`);
}

/** Name of the plan of a Whisper. */
const WHISPER = 'whisper';

function folderName({ shard, short }: ExperimentCommandOptions, isWhisper: boolean): string {
  if (shard !== undefined) return `shard-${shard.index}-of-${shard.count}`;
  if (isWhisper) return short ? `short-${WHISPER}` : WHISPER;
  return short ? 'short' : 'latest';
}

/** Parses `3/16`. */
function parseShard(text: string): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (shard.index >= 1 && shard.index <= shard.count) return shard;
  throw new InvalidArgumentError('A part such as 3/16 is required.');
}

async function choosePlan(path: string | undefined, options: ExperimentCommandOptions): Promise<ExperimentPlan> {
  if (options.whisper !== undefined && (path === WHISPER || options.shard !== undefined)) {
    throw new UsageError('--whisper: the whole experiment of DeepSpeech 2 was required, got another; leave it out');
  }
  if (path !== undefined && path !== WHISPER && (options.model !== undefined || options.threads !== undefined)) {
    throw new UsageError(
      '--model, --threads: no plan file was required beside them, got one; write them into the plan',
    );
  }
  const plan =
    path === undefined || path === WHISPER
      ? await (path === WHISPER ? whisperPlan : defaultPlan)({
          ...(options.model !== undefined && { model: options.model }),
          ...(options.threads !== undefined && { threads: options.threads }),
        })
      : await readPlan(path);
  const changed = {
    ...(options.short ? SHORT_TRIALS : {}),
    ...(options.normaliser !== undefined && { normaliser: options.normaliser }),
  };
  if (options.manifest === undefined) return { ...plan, ...changed };
  const { languageModel: _, ...rest } = plan;
  const { manifest } = options;
  // A Whisper has no beam search.
  return { ...rest, manifest, ...(path === WHISPER ? {} : languageModelFor(manifest)), ...changed };
}
