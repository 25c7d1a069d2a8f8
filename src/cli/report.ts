import type { Command } from 'commander';
import { PAPER_SCALE_RESULTS, WHISPER_RESULTS, writeReport } from '../report/post/writeReport.js';
import { PEERS_RESULTS } from '../study/peers.js';
import { examples } from './help.js';
import type { Terminal } from './terminal.js';

interface ReportCommandOptions {
  readonly figures: string;
  readonly post: string;
  readonly laboratory: string;
  readonly whisperRun: string;
  readonly peers: string;
  readonly paperScale: string;
}

/** `quantlab report RUN`: table, figures and post of a finished run, without measuring again. */
export function addReportCommand(program: Command, terminal: Terminal): void {
  program
    .command('report')
    .description('Write table, figures and the numbers of the post from what was measured, without measuring again')
    .argument('[run]', 'folder of the run', 'data/results/latest')
    .option('--figures <folder>', 'where figures go', 'figures')
    .option('--post <folder>', 'where the write-up lies', 'post')
    .option('--laboratory <folder>', 'what quantlab laboratory measured', 'data/results/laboratory')
    .option('--whisper-run <folder>', 'a run of `quantlab experiment whisper`', WHISPER_RESULTS)
    .option('--peers <folder>', 'what npm run peers measured', PEERS_RESULTS)
    .option('--paper-scale <folder>', 'a run over networks of the size in the papers', PAPER_SCALE_RESULTS)
    .addHelpText('after', examples('report data/results/latest'))
    .action(async (run: string, options: ReportCommandOptions) => {
      const { figures: figuresFolder, post: postFolder, laboratory: laboratoryFolder } = options;
      const { whisperRun: whisperFolder, peers: peersFolder, paperScale: paperScaleFolder } = options;
      const folders = { figuresFolder, postFolder, laboratoryFolder, whisperFolder, peersFolder, paperScaleFolder };
      const report = await writeReport(run, folders);
      terminal.print(`${report.text}\n`);
      for (const warning of report.warnings) terminal.say(`warning: ${warning}\n`);
      for (const file of report.files) terminal.say(`${file}\n`);
    });
}
