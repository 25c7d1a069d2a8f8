import type { Command } from 'commander';
import { writeReport } from '../report/post/writeReport.js';
import { mergeRuns } from '../study/merge.js';
import { examples } from './help.js';
import { addJson, addRestart, declare, type Given } from './optionGroups.js';
import { printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface MergeCommandOptions extends Pick<Given, 'restart' | 'json'> {
  readonly out: string;
}

/** `quantlab merge DIR… -o DIR`: one run from its shards. */
export function addMergeCommand(program: Command, terminal: Terminal): void {
  declare(program.command('merge'), addRestart, addJson)
    .description('Put the shards of a run together, after checking that they belong together and none is missing')
    .argument('<shards...>', 'folders written by quantlab experiment --shard')
    .requiredOption('-o, --out <folder>', 'folder of the merged run')
    .addHelpText('after', examples('merge data/results/shard-1-of-2 data/results/shard-2-of-2 -o merged'))
    .action(async (shards: string[], options: MergeCommandOptions) => {
      const summary = await mergeRuns(shards, { out: options.out, restart: options.restart === true });
      for (const warning of summary.warnings) terminal.say(`warning: ${warning}\n`);
      if (options.json) return printJson(summary, terminal);
      const report = await writeReport(options.out, { figuresFolder: null, postFolder: null });
      terminal.print(`${report.text}\n`);
      terminal.say(`Results: ${options.out}. Figures and post: quantlab report ${options.out}\n`);
    });
}
