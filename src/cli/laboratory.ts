import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { LABORATORY_PARTS, type LaboratoryPart, laboratoryPlan } from '../study/laboratoryPlan.js';
import { runExperiment } from '../study/runner.js';
import { examples } from './help.js';
import { addPace, awaitQuiet, declare, type Given } from './optionGroups.js';
import type { Terminal } from './terminal.js';

interface LaboratoryCommandOptions extends Pick<Given, 'short' | 'resume' | 'waitUntilQuiet' | 'out'> {
  readonly only?: readonly LaboratoryPart[];
}

/** `quantlab laboratory`: a run with what the write-up tells besides the experiment. */
export function addLaboratoryCommand(program: Command, terminal: Terminal): void {
  declare(program.command('laboratory'), addPace)
    .description(
      'Measure what the write-up tells besides the experiment: roofline, throughput, load, caching, sensitivity, all variants (with --short those that need no calibration)',
    )
    .addOption(new Option('--only <part...>', 'only these parts').choices([...LABORATORY_PARTS]))
    .option(
      '-o, --out <folder>',
      'folder of the run (default: data/results/laboratory; with --short or --only: named so)',
    )
    .addHelpText('after', examples('laboratory --only caching load'))
    .action(async ({ only = [], short, resume, out: folder, ...pace }: LaboratoryCommandOptions) => {
      const quiet = await awaitQuiet(pace, terminal);
      const out = folder ?? join('data', 'results', [...(short ? ['short'] : []), 'laboratory', ...only].join('-'));
      const progress = terminal.progress();
      const parts = only.length > 0 ? only : undefined;
      await runExperiment(await laboratoryPlan(short ? 'short' : 'full', parts), {
        ...quiet,
        out,
        resume: resume === true,
        restart: resume !== true,
        signal: terminal.signal,
        onProgress: ({ condition, phase, done, total, overallDone, overallTotal }) => {
          const isTopic = LABORATORY_PARTS.some((part) => part === phase);
          progress.update(isTopic ? done : overallDone, isTopic ? total : overallTotal, `${condition}, ${phase}`);
        },
      }).finally(progress.stop);
      terminal.say(`Results: ${out}. Figures and write-up from data/results/laboratory: npm run figures\n`);
    });
}
