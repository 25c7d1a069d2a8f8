import type { Command } from 'commander';
import { type Recipe, type RecipeStep, readRecipe } from '../compress/recipe.js';
import { UsageError } from '../errors.js';
import { describedModel } from '../recognise/registry/describedModel.js';
import { examples } from './help.js';
import { addInputs, addJson, addModel, addModelOut, declare } from './optionGroups.js';
import { CALIBRATE, type SmallerOptions, writeSmaller } from './quantize.js';
import { addRecipeOptions, withOptions } from './recipeOptions.js';
import type { Terminal } from './terminal.js';

/** The options that ask for a technique, in the order in which they are applied. */
const ASKED_BY: Readonly<Record<string, readonly string[]>> = {
  'prune-units': ['share'],
  prune: ['sparsity', 'sparsities', 'scope', 'pattern'],
};

/** `quantlab prune IN -o OUT`: the techniques that take weights away, by their options alone. */
export function addPruneCommand(program: Command, terminal: Terminal): void {
  const techniques = Object.keys(ASKED_BY);
  declare(program.command('prune'), addModel, addModelOut, addInputs, addJson, addRecipeOptions(...techniques))
    .description('Take weights away: single ones (--sparsity, --sparsities, --pattern), or whole units (--share)')
    .option(...CALIBRATE)
    .addHelpText(
      'after',
      `
Single weights become zeros. The runtime has no sparse products: a model gets neither faster nor smaller by them, only its
code does (quantize, then code). Units are gone, with all that reads them: the model is smaller and faster. To train on after it is
what keeps accuracy; --calibrated does what can be done without. Both go before quantization: give the result to quantize.
${examples(
  'prune deepspeech2-lstm -o pruned.onnx --sparsity 0.5 --sparsities lstm0.lstm=0.3',
  'prune model.onnx -o smaller.onnx --share 0.1 --calibrated --inputs samples.npz',
)}`,
    )
    .action(async (input: string, options: SmallerOptions & Readonly<Record<string, unknown>>) => {
      const asked = techniques.filter((name) => ASKED_BY[name]?.some((option) => options[option] !== undefined));
      if (asked.length === 0) {
        throw new UsageError(
          'prune: --sparsity, --sparsities, --pattern or --share was required, got none; say how much of what is to go',
        );
      }
      const steps = asked.map((transform) => ({ transform }) as RecipeStep);
      const recipe: Recipe = { ...(await readRecipe('prune')), steps };
      await writeSmaller(await describedModel(input), withOptions(recipe, options), options, terminal);
    });
}
