import type { DynamicOpType } from '../compress/dynamic/dynamicOptions.js';
import type { Recipe, RecipeStep } from '../compress/recipe.js';
import type { WeightType } from '../compress/rewrite/params.js';
import type { StaticOpType } from '../compress/static/staticOptions.js';
import type { WeightOnlyOpType } from '../compress/weightOnly/weightOnlyOptions.js';
import { UsageError } from '../errors.js';

/** Options of the command line that change the steps of a recipe. */
export interface RecipeOptions {
  readonly opTypes?: readonly string[];
  readonly perChannel?: true;
  readonly reduceRange?: true;
  readonly weightType?: WeightType;
  readonly exclude?: readonly string[];
}

/** Which transforms know which option. Names of operators and nodes are checked by the transforms. */
const KNOWN_BY: Readonly<Record<keyof RecipeOptions, readonly RecipeStep['transform'][]>> = {
  opTypes: ['dynamic', 'static', 'weight-only'],
  perChannel: ['dynamic', 'static', 'weight-only'],
  reduceRange: ['dynamic', 'static', 'recurrent'],
  weightType: ['dynamic'],
  exclude: ['dynamic', 'static', 'weight-only', 'recurrent', 'half', 'prune'],
};

/**
 * A recipe with the options of a command line put into its steps.
 *
 * @throws {UsageError} when no step of the recipe knows an option, or operators are named for a recipe of several steps
 */
export function withOptions(recipe: Recipe, options: RecipeOptions): Recipe {
  const given = (Object.keys(KNOWN_BY) as (keyof RecipeOptions)[]).filter((name) => options[name] !== undefined);
  for (const name of given) {
    if (recipe.steps.some(({ transform }) => KNOWN_BY[name].includes(transform))) continue;
    throw new UsageError(
      `--${kebab(name)}: a recipe that knows it was required, got ${recipe.name}; leave it out or choose another recipe`,
    );
  }
  if (options.opTypes && recipe.steps.length > 1) {
    throw new UsageError(
      `--op-types: a recipe of one step was required, got ${recipe.name}; write them into a recipe file instead`,
    );
  }
  return { ...recipe, steps: recipe.steps.map((step) => withStepOptions(step, options)) };
}

function withStepOptions(step: RecipeStep, options: RecipeOptions): RecipeStep {
  const { opTypes, perChannel, reduceRange, weightType, exclude } = options;
  const nodes = exclude && { nodesToExclude: exclude };
  const channels = perChannel && { perChannel };
  const range = reduceRange && { reduceRange };
  switch (step.transform) {
    case 'dynamic': {
      const types = opTypes && { opTypesToQuantize: opTypes as readonly DynamicOpType[] };
      return {
        ...step,
        options: { ...step.options, ...nodes, ...channels, ...range, ...types, ...(weightType && { weightType }) },
      };
    }
    case 'static': {
      const types = opTypes && { opTypesToQuantize: opTypes as readonly StaticOpType[] };
      return { ...step, options: { ...step.options, ...nodes, ...channels, ...range, ...types } };
    }
    case 'weight-only': {
      const types = opTypes && { opTypesToQuantize: opTypes as readonly WeightOnlyOpType[] };
      return { ...step, options: { ...step.options, ...nodes, ...channels, ...types } };
    }
    case 'recurrent':
      return { ...step, options: { ...step.options, ...nodes, ...range } };
    case 'half':
      return { ...step, options: { ...step.options, ...nodes } };
    case 'prune':
      return { ...step, options: { ...step.options, ...nodes } };
  }
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
