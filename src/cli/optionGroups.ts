import { availableParallelism } from 'node:os';
import { type Command, Option } from 'commander';
import { defaultThreads, readEnvironment } from '../measure/machine/environment.js';
import { untilQuiet } from '../measure/machine/untilQuiet.js';
import { DEFAULT_SEED } from '../random.js';
import { findCard } from '../recognise/registry/registry.js';
import { DEFAULT_NORMALISER, NORMALISER_NAMES, type NormaliserName } from '../speech/text/normaliser.js';
import { DEFAULT_MODEL } from '../study/plan.js';
import type { RunOptions } from '../study/runOptions.js';
import type { ArrayOptions } from '../tune/arrays/samples.js';
import { named, wholeNumber, writableFile, writableModel } from './options.js';
import type { Terminal } from './terminal.js';

/** What a command says of a model that it asks for. */
export const A_MODEL = 'id of `quantlab model list`, or the path of an .onnx file';

/** Largest numbers of threads and of processes that are taken: no machine has more processors. */
export const MOST_PROCESSORS = 1024;

/** Adds arguments or options that several commands have: the same name, meaning and default everywhere. */
type OptionGroup = (command: Command) => Command;

/** Adds groups to a command, in their order. */
export function declare(command: Command, ...groups: readonly OptionGroup[]): Command {
  return groups.reduce((declared, add) => add(declared), command);
}

/** What the groups give, by the names of their options: a command takes of it what it declared. */
export interface Given {
  readonly manifest: string;
  readonly utterances: number;
  readonly threads?: number;
  readonly workers: number;
  readonly trials: number;
  readonly runs: number;
  readonly seed: number;
  readonly normaliser: NormaliserName;
  readonly errors?: true;
  readonly out?: string;
  readonly figure?: string;
  readonly json?: true;
  readonly restart?: true;
  readonly short?: true;
  readonly resume?: true;
  readonly waitUntilQuiet?: number;
  readonly from?: string;
  readonly graph?: string;
}

/** Takes models by position: several, ids and paths alike. */
export function addModels(command: Command): Command {
  return command.argument('[models...]', `${A_MODEL} (default: ${DEFAULT_MODEL}, float32 and int8)`);
}

/** Takes one model by position. */
export function addModel(command: Command): Command {
  return command.argument('<model>', A_MODEL);
}

/**
 * Adds `--model`, for commands whose arguments are something else.
 *
 * @param otherwise - what is taken where none is named
 */
export function addModelOption(otherwise: string = DEFAULT_MODEL): (command: Command) => Command {
  return (command) => command.option('--model <id|path>', `${A_MODEL} (default: ${otherwise})`);
}

/**
 * Adds `--manifest`.
 *
 * @param otherwise - `holdout` for what measures; `dev` for what chooses, so that the hold-out stays unseen
 */
export function addSpeech(otherwise?: 'holdout' | 'dev'): OptionGroup {
  return (command) =>
    command.option('--manifest <set|path>', 'speech: holdout, dev, calibration, or a manifest', otherwise);
}

/** Adds what a command has that compares values within models: on which utterances or arrays, with how many threads. */
export function addValues(command: Command): Command {
  addSpeech('dev')(command).option('--utterances <n>', 'how many of them, evenly spread', wholeNumber(1), 16);
  return declare(command, addArrays, addThreads, addJson);
}

/** What {@link addArrays} gives. */
export interface ArraysOptions {
  readonly inputs?: string;
  readonly dim?: Readonly<Record<string, number>>;
  readonly value?: Readonly<Record<string, number>>;
}

/** Adds `--inputs`. */
export function addInputs(command: Command): Command {
  return command.option(
    '--inputs <file>',
    'arrays instead of speech: .npz with `input`, or `input_0`, `input_1` …, of each input, or .npy',
  );
}

/** Adds `--inputs`, `--dim` and `--value`: what models without a card are given. */
export function addArrays(command: Command): Command {
  return addInputs(command)
    .option(
      '--dim <name=size>',
      'without --inputs, arrays are random: size of an axis (may be given several times)',
      named(1),
    )
    .option('--value <input=number>', 'fill a random input with one number (may be given several times)', named());
}

/**
 * Whether models are fed with arrays: because they were asked for, or a model has no card and no speech was named.
 *
 * @param command - whose options were parsed
 */
export async function areFedWithArrays(models: readonly string[], command: Command): Promise<boolean> {
  const { inputs, dim, value } = command.opts<ArraysOptions>();
  if (inputs !== undefined || dim !== undefined || value !== undefined) return true;
  if (command.getOptionValueSource('manifest') === 'cli') return false;
  const cards = await Promise.all(models.map((model) => !model.endsWith('.onnx') || findCard(model)));
  return cards.includes(undefined);
}

/** The arrays that were asked for. */
export function arraysOf({ inputs, dim, value }: ArraysOptions): ArrayOptions {
  return { inputs, dims: dim, values: value };
}

/** Adds `--threads`. */
export function addThreads(command: Command): Command {
  return command.option(
    '--threads <n>',
    'threads of one operator (default: one for each physical core, divided among the processes)',
    wholeNumber(1, MOST_PROCESSORS),
  );
}

/** The threads that were asked for, or this machine's physical cores, divided among processes that run at once. */
export async function threadsOf({ threads }: { readonly threads?: number }, processes = 1): Promise<number> {
  return threads ?? Math.max(1, Math.floor((await defaultThreads()) / processes));
}

/** Adds `--workers`. */
export function addWorkers(command: Command): Command {
  return command.option(
    '--workers <n>',
    'processes that transcribe',
    wholeNumber(1, MOST_PROCESSORS),
    availableParallelism(),
  );
}

/** Adds `--trials`. */
export function addTrials(command: Command): Command {
  return command.option('--trials <n>', 'trials of each model', wholeNumber(1), 300);
}

/** Adds `--runs`. */
export function addRuns(command: Command): Command {
  return command.option('--runs <n>', 'runs of whatever is measured', wholeNumber(1), 30);
}

/** Adds `--graph` to a command that works on one graph of a model. */
export function addGraph(command: Command): Command {
  return command.option('--graph <name>', 'of a model of several graphs: which one');
}

/** Adds `--seed`. */
export function addSeed(command: Command): Command {
  return command.option('--seed <n>', 'seed of all that is drawn by chance', wholeNumber(0, 2 ** 32 - 1), DEFAULT_SEED);
}

/** Adds `--normaliser` to a command that compares texts. */
export function addNormaliserOption(command: Command): Command {
  return command.addOption(
    new Option('--normaliser <name>', 'form in which texts are compared')
      .choices(NORMALISER_NAMES)
      .default(DEFAULT_NORMALISER),
  );
}

/** Adds `--errors`. */
export function addErrors(command: Command): Command {
  return command.option('--errors', 'show each word error in its text, and the most frequent confusions');
}

/** Adds `--json`. */
export function addJson(command: Command): Command {
  return command.option('--json', 'print JSON');
}

/** Adds `--export` and `--json`, which is short for one of its forms. */
export function addExport(command: Command): Command {
  return addJson(command).addOption(
    new Option('--export <form>', 'print a line of all numbers for each model (csv), the tables in Markdown, or JSON')
      .choices(['csv', 'md', 'json'])
      .conflicts('json'),
  );
}

/** Adds `--figure` to a command whose result can be drawn. */
export function addFigure(command: Command): Command {
  return command.option('--figure <folder>', 'draw it into this folder');
}

/** Adds `--out` to a command that takes long: what it finds is kept as it comes. */
export function addKept(command: Command): Command {
  return command.option('-o, --out <file.json>', 'keep what is found in this file, as it comes', writableFile());
}

/** Adds `--out`, the file that a command is there to write. */
export function addOut(name: string, description: string, ...endings: readonly string[]): OptionGroup {
  return (command) => command.requiredOption(`-o, --out <${name}>`, description, writableFile(...endings));
}

/** Adds `--out`, where a model is written. */
export function addModelOut(command: Command): Command {
  return command.requiredOption(
    '-o, --out <model.onnx|folder>',
    'where to write; a folder for a model of several graphs. Its card is written there, too, when the model has one',
    writableModel,
  );
}

/** Adds `--from`, for what is got. */
export function addFrom(command: Command): Command {
  return command.option(
    '--from <address|folder>',
    'where it lies, as data/models or data/speech of the repository; for a Whisper a mirror of huggingface.co',
  );
}

/** Adds `--restart`, for commands that write a run. */
export function addRestart(command: Command): Command {
  return command.option('--restart', 'discard the unfinished run in that folder and start over');
}

/** Adds `--short`, `--resume` and `--wait-until-quiet`, for what is measured in one go and takes long. */
export function addPace(command: Command): Command {
  return command
    .option('--short', 'fewer trials of everything, in a few minutes at most: too few to conclude from')
    .option('--resume', 'go on where it was stopped; what was finished is kept')
    .option(
      '--wait-until-quiet <minutes>',
      'begin when nothing else keeps the machine busy, or fail after so long; for results that are published',
      wholeNumber(0),
    );
}

/**
 * Waits for a quiet machine where that was asked for.
 *
 * @returns how the machine was then, for the run: what the run itself does while it makes ready says nothing of the machine
 */
export async function awaitQuiet(
  { waitUntilQuiet }: Pick<Given, 'waitUntilQuiet'>,
  terminal: Terminal,
): Promise<Pick<RunOptions, 'environment'>> {
  if (waitUntilQuiet === undefined) return {};
  await untilQuiet(waitUntilQuiet, {
    signal: terminal.signal,
    onBusy: (reason) => terminal.say(`${reason} Waiting until it is quiet …\n`),
  });
  const environment = await readEnvironment();
  return { environment: async () => environment };
}
