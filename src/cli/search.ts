import { type Command, Option } from 'commander';
import { SEARCH_GOALS, type SearchOptions, type SearchTrial } from '../compress/choose/search.js';
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
import { fraction, numberAbove0, wholeNumber, writableFile } from './options.js';
import type { Terminal } from './terminal.js';

interface SearchCommandOptions extends Pick<Given, 'manifest' | 'seed' | 'normaliser' | 'graph'> {
  readonly out: string;
  readonly goal: SearchOptions['goal'];
  readonly budget: number;
  readonly maxMb?: number;
  readonly maxMs?: number;
  readonly coded?: true;
  readonly recipes: number;
  readonly trace?: string;
}

/** `quantlab search MODEL`: the recipe that is fastest, smallest or most accurate within limits of errors, bytes and time. */
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
    .description(
      'Search, layer by layer and among all techniques, for the best recipe within limits of errors, bytes or time',
    )
    .addOption(new Option('--goal <goal>', 'what is best').choices(SEARCH_GOALS).default('fastest'))
    .addOption(
      new Option('--budget <points>', 'how much the word error rate may grow, in percentage points')
        .argParser(fraction(100))
        .default(0.01, '1'),
    )
    .option('--max-mb <n>', 'megabytes that the file may take', numberAbove0)
    .option('--max-ms <n>', 'milliseconds that an utterance may take on this machine, in the median', numberAbove0)
    .option('--coded', 'count the bytes of files as `code` writes them; weights that become zeros are tried, too')
    .option('--recipes <n>', 'recipes to try at least', wholeNumber(1), 50)
    .option(
      '--trace <file>',
      'every recipe that is tried, a line each; a search that was stopped goes on from it',
      writableFile(),
    )
    .addHelpText(
      'after',
      `
Tried are forms in fewer bits, units taken out, factors of lower rank and (--coded) zeros, also one after the other; each is
measured on the development set. \`quantize --recipe found.json\` applies what is found. A search that was stopped goes on.
most-accurate has no budget of errors unless one is given.
${examples(
  'search deepspeech2-lstm -o found.json --goal smallest --coded',
  'search model.onnx -o found.json --goal most-accurate --max-mb 10',
)}`,
    )
    .action(async (input: string, options: SearchCommandOptions, command: Command) => {
      const isFree = options.goal === 'most-accurate' && command.getOptionValueSource('budget') === 'default';
      const model = await resolveModel(input);
      const progress = terminal.progress();
      const result = await searchOnSpeech(model, {
        graph: options.graph,
        goal: options.goal,
        budget: isFree ? undefined : options.budget,
        maximumBytes: options.maxMb === undefined ? undefined : options.maxMb * 1e6,
        maximumMs: options.maxMs,
        isCoded: options.coded,
        manifest: options.manifest,
        normaliser: options.normaliser,
        onLeftOut: terminal.leaveOut,
        onNotTried: (why) => terminal.say(`not tried: ${why}\n`),
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
        trial?.recipe.name ?? 'none within the limits',
        trial ? percent(trial.score.error) : '–',
        trial ? `${(1 / trial.score.latencyRatio).toFixed(2)}×` : '–',
        trial ? trial.score.latencyMs.toFixed(1) : '–',
        trial ? megabytes(trial.score.sizeBytes) : '–',
      ];
      terminal.print(
        columns(
          ['', 'recipe', 'WER', 'speed', 'ms', 'size'],
          [row('float32', result.baseline), row('best preset', result.bestPreset), row('found', result.best)],
        ),
      );
      if (!result.isWithin) {
        terminal.print(`no recipe keeps to the limits: ${options.out} is the one that comes nearest\n`);
      } else if (result.best === result.baseline) {
        terminal.print(`no recipe within the limits is better than float32: ${options.out} has no steps\n`);
      }
      terminal.print(
        `${result.trials.length} recipes tried; ${result.beatsPresets ? 'the one found beats' : 'none beats'} every preset. ${options.out}\n`,
      );
    });
}
