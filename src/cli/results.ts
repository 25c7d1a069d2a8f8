import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { InputError, QuantlabError } from '../errors.js';
import { PAPER_SCALE_RESULTS, WHISPER_RESULTS } from '../report/post/writeReport.js';
import { recordsToCsv } from '../report/tables/csv.js';
import { checkRun, type RunCheck } from '../study/checkRun.js';
import { readFinishedRun } from '../study/finishedRun.js';
import { PEER_NAMES, peersFile, readPeers } from '../study/peers.js';
import { examples } from './help.js';
import { addJson, declare } from './optionGroups.js';
import { printJson } from './output.js';
import type { Terminal } from './terminal.js';

/** Results that belong to this repository. */
const COMMITTED = ['data/results/latest', 'data/results/laboratory'] as const;

/** `quantlab results`: what was measured, held against itself. */
export function addResultsCommand(program: Command, terminal: Terminal): void {
  const results = program
    .command('results')
    .description('Check what was measured, or take it elsewhere')
    .addHelpText('after', examples('results check', 'results export data/results/latest > trials.csv'));

  results
    .command('export')
    .description('Print the trials of a run as comma-separated values, a line for each')
    .argument('<run>', 'folder of a run')
    .addHelpText('after', examples('results export data/results/latest > trials.csv'))
    .action(async (run: string) => {
      const { observations } = await readFinishedRun(run);
      terminal.print(recordsToCsv(observations));
    });

  declare(results.command('check'), addJson)
    .description(
      'Check runs: files as written, summary as it follows from the observations, models made again the same',
    )
    .argument(
      '[run...]',
      `folders of runs, or files of peers (\`.json\`); default: ${COMMITTED.join(', ')}, and what else is in data/results of this repository`,
    )
    .option('--hear', 'also transcribe the speech again with each model; on another processor a word may differ')
    .addHelpText('after', examples('results check', 'results check data/results/short --hear'))
    .action(async (runs: string[], options: { readonly hear?: true; readonly json?: true }) => {
      const checks: (RunCheck & { readonly run: string })[] = [];
      const peers = PEER_NAMES.map((name) => peersFile(name));
      const further = [WHISPER_RESULTS, PAPER_SCALE_RESULTS, ...peers].filter((path) => existsSync(path));
      for (const run of runs.length > 0 ? runs : [...COMMITTED, ...further]) {
        if (run.endsWith('.json')) {
          checks.push({ run, ...(await checkPeers(run)) });
          continue;
        }
        const progress = terminal.progress();
        try {
          const onProgress = (done: number, total: number, what: string): void => progress.update(done, total, what);
          checks.push({
            run,
            ...(await checkRun(run, { hear: options.hear === true, onProgress, signal: terminal.signal })),
          });
        } finally {
          progress.stop();
        }
      }
      if (options.json) printJson(checks, terminal);
      else for (const check of checks) terminal.print(describeCheck(check.run, check));
      const faults = checks.reduce((sum, check) => sum + check.faults.length, 0);
      if (faults === 0) return;
      throw new QuantlabError(`results: runs without faults were required, got ${faults}; see above`);
    });
}

/** Peers are summarised when they are shown, and their models are others': what is checked is that the file is whole and as it was written. */
async function checkPeers(path: string): Promise<RunCheck> {
  const faults: string[] = [];
  try {
    await readPeers(path);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    faults.push(error.message);
  }
  return { faults, notes: [], models: { made: 0, same: 0 }, texts: { heard: 0, same: 0 } };
}

function describeCheck(run: string, { faults, notes, models, texts }: RunCheck): string {
  const counts = [
    `models made again: ${models.same} of ${models.made} the same`,
    ...(texts.heard > 0 ? [`texts transcribed again: ${texts.same} of ${texts.heard} the same`] : []),
  ];
  const lines = [...faults.map((fault) => `fault: ${fault}`), ...notes.map((note) => `note: ${note}`)];
  return [
    `${run}: ${faults.length === 0 ? 'as it was measured' : 'not as it was measured'}; ${counts.join('; ')}`,
    ...lines,
    '',
  ].join('\n');
}
