import { Command, CommanderError } from 'commander';
import { QuantlabError, UsageError } from '../errors.js';
import { addBenchCommand } from './bench.js';
import { addCachingCommand } from './caching.js';
import { addCodeCommand } from './code.js';
import { addCompareCommand } from './compare.js';
import { addCostCommand } from './cost.js';
import { addDataCommand } from './data.js';
import { addEnergyCommand } from './energy.js';
import { addEvaluateCommand } from './evaluate.js';
import { addExperimentCommand } from './experiment.js';
import { addHardwareCommand } from './hardware.js';
import { addInspectCommand } from './inspect.js';
import { addLaboratoryCommand } from './laboratory.js';
import { addLmCommand } from './lm.js';
import { addLoadCommand } from './load.js';
import { addMemoryCommand } from './memory.js';
import { addMergeCommand } from './merge.js';
import { addModelCommand } from './model.js';
import { addQuantizeCommand } from './quantize.js';
import { addReportCommand } from './report.js';
import { addResultsCommand } from './results.js';
import { addScoreCommand } from './score.js';
import { addSearchCommand } from './search.js';
import { addSensitivityCommand } from './sensitivity.js';
import { addServeCommand } from './serve.js';
import { addSimplifyCommand } from './simplify.js';
import { processTerminal, type Streams, type Terminal } from './terminal.js';
import { addThroughputCommand } from './throughput.js';
import { addTranscribeCommand } from './transcribe.js';
import { packageVersion } from './version.js';

/** Exit codes of every command. */
export const EXIT_CODES = { done: 0, failed: 1, wrongUse: 2 } as const;

/** Builds the command line, with every command. */
function createProgram(terminal: Terminal): Command {
  const program = new Command('quantlab')
    .description('Compress ONNX speech recognisers, and measure what it gains and what it costs.')
    .version(packageVersion())
    .configureOutput({ writeOut: terminal.print, writeErr: terminal.say })
    .helpCommand(false)
    .showHelpAfterError('(add --help for what is possible)')
    .exitOverride();
  for (const add of [
    addExperimentCommand,
    addMergeCommand,
    addLaboratoryCommand,
    addReportCommand,
    addResultsCommand,
    addQuantizeCommand,
    addSimplifyCommand,
    addCodeCommand,
    addCompareCommand,
    addSensitivityCommand,
    addSearchCommand,
    addInspectCommand,
    addTranscribeCommand,
    addEvaluateCommand,
    addScoreCommand,
    addBenchCommand,
    addMemoryCommand,
    addEnergyCommand,
    addCostCommand,
    addHardwareCommand,
    addThroughputCommand,
    addLoadCommand,
    addCachingCommand,
    addServeCommand,
    addDataCommand,
    addModelCommand,
    addLmCommand,
  ]) {
    add(program, terminal);
  }
  return program;
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
    await createProgram(terminal).parseAsync([...args], { from: 'user' });
    if (leftOut.size === 0) return EXIT_CODES.done;
    terminal.say(`error: all recordings were required, got ${leftOut.size} that cannot be read; they were left out\n`);
    return EXIT_CODES.failed;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.wrongUse;
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
