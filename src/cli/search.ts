import { type Command, Option } from 'commander';
import type { SearchTrial } from '../compress/choose/search.js';
import { writeRecipe } from '../compress/recipe.js';
import { createRandom } from '../random.js';
import { resolveModel } from '../recognise/registry/registry.js';
import { searchOnSpeech } from '../tune/search.js';
import { columns, megabytes, percent } from './columns.js';
import { examples } from './help.js';
import {
  addGraph,
  addModel,
  addNormaliserOption,
  addOut,
  addSeed,
  addSpeech,
  declare,
  type Given,
} from './optionGroups.js';
import { fraction, wholeNumber, writableFile } from './options.js';
import type { Terminal } from './terminal.js';

interface SearchCommandOptions extends Pick<Given, 'manifest' | 'seed' | 'normaliser' | 'graph'> {
  readonly out: string;
  readonly goal: 'fastest' | 'smallest';
  readonly budget: number;
  readonly recipes: number;
  readonly trace?: string;
}

/** `quantlab search MODEL`: the recipe that is fastest or smallest within a budget of errors. */
export function addSearchCommand(program: Command, terminal: Terminal): void {
  declare(
    program.command('search'),
    addModel,
    addOut('recipe.json', 'the recipe that is found'),
    addSpeech('dev'),
    addNormaliserOption,
    addSeed,
    addGraph,
  )
    .description('Search, layer by layer, for the fastest or smallest recipe within a budget of word error rate')
    .addOption(new Option('--goal <goal>', 'what is best').choices(['fastest', 'smallest']).default('fastest'))
    .addOption(
      new Option('--budget <points>', 'how much the word error rate may grow, in percentage points')
        .argParser(fraction(100))
        .default(0.01, '1'),
    )
    .option('--recipes <n>', 'recipes to try at least', wholeNumber(1), 50)
    .option(
      '--trace <file>',
      'every recipe that is tried, a line each; a search that was stopped goes on from it',
      writableFile(),
    )
    .addHelpText(
      'after',
      examples('search deepspeech2-lstm -o found.json', 'search model.onnx -o found.json --goal smallest --budget 0.5'),
    )
    .action(async (input: string, options: SearchCommandOptions) => {
      const model = await resolveModel(input);
      const progress = terminal.progress();
      const result = await searchOnSpeech(model, {
        graph: options.graph,
        goal: options.goal,
        budget: options.budget,
        manifest: options.manifest,
        normaliser: options.normaliser,
        onLeftOut: terminal.leaveOut,
        minimumTrials: options.recipes,
        random: createRandom(options.seed).next,
        tracePath: options.trace ?? options.out.replace(/(\.json)?$/, '.trace.jsonl'),
        onTrial: (_, count) => {
          terminal.signal.throwIfAborted();
          progress.update(count, Math.max(count, options.recipes), 'recipes');
        },
      }).finally(progress.stop);
      await writeRecipe(result.best.recipe, options.out);
      const row = (title: string, trial: SearchTrial | null): (string | number)[] => [
        title,
        trial?.recipe.name ?? 'none within the budget',
        trial ? percent(trial.score.error) : '–',
        trial ? `${(1 / trial.score.latencyRatio).toFixed(2)}×` : '–',
        trial ? megabytes(trial.score.sizeBytes) : '–',
      ];
      terminal.print(
        columns(
          ['', 'recipe', 'WER', 'speed', 'size'],
          [row('float32', result.baseline), row('best preset', result.bestPreset), row('found', result.best)],
        ),
      );
      if (result.best === result.baseline) {
        terminal.print(`no recipe within the budget is better than float32: ${options.out} has no steps\n`);
      }
      terminal.print(
        `${result.trials.length} recipes tried; ${result.beatsPresets ? 'the one found beats' : 'none beats'} every preset. ${options.out}\n`,
      );
    });
}
