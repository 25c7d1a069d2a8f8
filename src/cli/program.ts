import { Command, CommanderError } from 'commander';
import { didYouMean, QuantlabError, UsageError } from '../errors.js';
import { addBenchCommand } from './bench.js';
import { addCachingCommand } from './caching.js';
import { addCardCommand } from './card.js';
import { addCodeCommand } from './code.js';
import { addCompareCommand } from './compare.js';
import { addCostCommand } from './cost.js';
import { addDataCommand } from './data.js';
import { addEnergyCommand } from './energy.js';
import { addEvaluateCommand } from './evaluate.js';
import { addExperimentCommand } from './experiment.js';
import { addHardwareCommand } from './hardware.js';
import { FIRST_STEPS, HELP_GROUPS } from './help.js';
import { addInspectCommand } from './inspect.js';
import { addLaboratoryCommand } from './laboratory.js';
import { addLmCommand } from './lm.js';
import { addLoadCommand } from './load.js';
import { addMemoryCommand } from './memory.js';
import { addMergeCommand } from './merge.js';
import { addModelCommand } from './model.js';
import { addPipelineCommand } from './pipeline.js';
import { addPruneCommand } from './prune.js';
import { addQuantizeCommand } from './quantize.js';
import { addReportCommand } from './report.js';
import { addResultsCommand } from './results.js';
import { addScoreCommand } from './score.js';
import { addSearchCommand } from './search.js';
import { addSensitivityCommand } from './sensitivity.js';
import { addServeCommand } from './serve.js';
import { addSimplifyCommand } from './simplify.js';
import { addSplitCommand } from './split.js';
import { processTerminal, type Streams, type Terminal } from './terminal.js';
import { addThroughputCommand } from './throughput.js';
import { addTranscribeCommand } from './transcribe.js';
import { packageVersion } from './version.js';

/** Exit codes of every command. */
export const EXIT_CODES = { done: 0, failed: 1, wrongUse: 2 } as const;

type AddCommand = (program: Command, terminal: Terminal) => void;

/** Every command, in the order of the help. */
const COMMANDS: readonly (readonly [group: string, commands: readonly AddCommand[]])[] = [
  [
    HELP_GROUPS.smaller,
    [
      addQuantizeCommand,
      addPruneCommand,
      addSearchCommand,
      addSensitivityCommand,
      addInspectCommand,
      addSimplifyCommand,
      addCodeCommand,
      addSplitCommand,
    ],
  ],
  [
    HELP_GROUPS.costs,
    [
      ...[
        addEvaluateCommand,
        addCompareCommand,
        addScoreCommand,
        addBenchCommand,
        addThroughputCommand,
        addPipelineCommand,
      ],
      ...[addLoadCommand, addMemoryCommand, addEnergyCommand, addCostCommand, addCachingCommand, addHardwareCommand],
    ],
  ],
  [HELP_GROUPS.run, [addTranscribeCommand, addServeCommand, addCardCommand, addModelCommand, addDataCommand]],
  [HELP_GROUPS.experiments, [addExperimentCommand, addReportCommand]],
  [HELP_GROUPS.own, [addLaboratoryCommand, addMergeCommand, addResultsCommand, addLmCommand]],
];

/** Options that are called otherwise now, by command and option; `*` stands for every command that does not know it. */
const RENAMED: Readonly<Record<string, string>> = {
  '* --model': 'models are named without it now, several of them: quantlab bench A B',
  'load --streams': 'it is called --workers now',
  'search --trials': 'it is called --recipes now',
};

/** Builds the command line, with every command. */
function createProgram(terminal: Terminal): Command {
  const program = new Command('quantlab')
    .description('Compress ONNX speech recognisers, and measure what it gains and what it costs.')
    .version(packageVersion())
    .configureOutput({ writeOut: terminal.print, writeErr: terminal.say })
    .helpCommand(false)
    .addHelpText('after', FIRST_STEPS)
    .showHelpAfterError('(add --help for what is possible)')
    .exitOverride();
  for (const [group, commands] of COMMANDS) {
    program.commandsGroup(group);
    for (const add of commands) add(program, terminal);
  }
  for (const command of program.commands) command.helpCommand(false);
  return program;
}

/** The command that names lead to, such as `model` and `build`. */
function commandNamed(program: Command, names: readonly string[]): Command {
  let found = program;
  for (const name of names) {
    const next = found.commands.find((command) => command.name() === name);
    if (next === undefined) {
      const known = found.commands.map((command) => command.name());
      throw new UsageError(
        `help: the name of a command was required, got ${name} ${didYouMean(name, known)}`.trimEnd(),
      );
    }
    found = next;
  }
  return found;
}

/** What an option that is not known any more is called now; empty for others. */
function nowCalled(error: CommanderError, [command]: readonly string[]): string {
  if (error.code !== 'commander.unknownOption') return '';
  const [option = ''] = /--[a-z-]+/.exec(error.message) ?? [];
  const now = RENAMED[`${command} ${option}`] ?? RENAMED[`* ${option}`];
  return now === undefined ? '' : `${option}: ${now}\n`;
}

/**
 * Runs one command.
 *
 * @param args - what stands behind the program's name
 * @param terminal - where it prints and how it is interrupted; the process's own by default
 * @returns 0 done, 1 failed or done without some of the input, 2 wrong use
 */
export async function runCommandLine(args: readonly string[], streams: Streams = processTerminal()): Promise<number> {
  const leftOut = new Set<string>();
  const terminal: Terminal = {
    ...streams,
    leaveOut: ({ message }) => {
      if (!leftOut.has(message)) streams.say(`left out: ${message}\n`);
      leftOut.add(message);
    },
  };
  try {
    const program = createProgram(terminal);
    if (args[0] === 'help') {
      commandNamed(program, args.slice(1)).outputHelp();
      return EXIT_CODES.done;
    }
    // With --help a command that is not known would get the help of the program, as if all were well.
    const [first = ''] = args;
    const isKnown = first.startsWith('-') || program.commands.some((command) => command.name() === first);
    await program.parseAsync(isKnown ? [...args] : args.slice(0, 1), { from: 'user' });
    if (leftOut.size === 0) return EXIT_CODES.done;
    terminal.say(`error: all recordings were required, got ${leftOut.size} that cannot be read; they were left out\n`);
    return EXIT_CODES.failed;
  } catch (error) {
    if (error instanceof CommanderError) {
      terminal.say(nowCalled(error, args));
      return error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.wrongUse;
    }
    if (terminal.signal.aborted) {
      const kept = 'nothing is half written, what was finished is kept';
      terminal.say(`interrupted: ${error instanceof QuantlabError ? error.message : kept}\n`);
      return EXIT_CODES.failed;
    }
    if (error instanceof QuantlabError) {
      terminal.say(`error: ${error.message}\n`);
      return error instanceof UsageError ? EXIT_CODES.wrongUse : EXIT_CODES.failed;
    }
    throw error;
  } finally {
    terminal.close();
  }
}
