import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { TOPICS, type Topic, topicPath } from '../study/laboratory.js';
import { FULL_LABORATORY, SHORT_LABORATORY } from '../study/laboratoryProtocol.js';
import { measureTopic } from '../study/measureLaboratory.js';
import { examples } from './help.js';
import { addPace, declare } from './optionGroups.js';
import type { Terminal } from './terminal.js';

interface LaboratoryCommandOptions {
  readonly only?: readonly Topic[];
  readonly short?: true;
  readonly resume?: true;
  readonly out?: string;
}

/** `quantlab laboratory`: what the write-up tells besides the experiment, topic by topic. */
export function addLaboratoryCommand(program: Command, terminal: Terminal): void {
  declare(program.command('laboratory'), addPace)
    .description(
      'Measure what the write-up tells besides the experiment: roofline, throughput, load, caching, sensitivity, all variants',
    )
    .addOption(new Option('--only <topic...>', 'only these topics').choices([...TOPICS]))
    .option('--out <folder>', 'where (default: data/results/laboratory; with --short: data/results/short-laboratory)')
    .addHelpText('after', examples('laboratory --only caching load'))
    .action(async (options: LaboratoryCommandOptions) => {
      const out = options.out ?? join('data', 'results', options.short ? 'short-laboratory' : 'laboratory');
      const topics = TOPICS.filter((topic) => options.only?.includes(topic) ?? true);
      for (const topic of topics) {
        const progress = terminal.progress();
        const started = performance.now();
        try {
          const how = await measureTopic(topic, {
            out,
            protocol: options.short ? SHORT_LABORATORY : FULL_LABORATORY,
            resume: options.resume === true,
            signal: terminal.signal,
            onProgress: (done, total, what) => progress.update(done, total, what),
          });
          progress.stop();
          const seconds = ((performance.now() - started) / 1000).toFixed(1);
          terminal.say(`${topicPath(out, topic)}: ${how === 'kept' ? 'kept' : `measured in ${seconds} s`}\n`);
        } finally {
          progress.stop();
        }
      }
      terminal.say('Figures and write-up from it: npm run figures\n');
    });
}
