import { z } from 'zod';
import { didYouMean, InputError } from '../errors.js';
import { parseJson, readJson, writeFileAtomic } from '../files.js';
import { PASSES, type StepOf, type Technique } from './passes.js';
import { RECURRENT_OP_TYPES } from './recurrent/recurrentOptions.js';

/** One step of a recipe: a technique by its name, with its options. */
export type RecipeStep = StepOf<Technique>;

/** Transforms in their order: what makes a variant of a model. A JSON file. */
export interface Recipe {
  readonly schema: 'quantlab.recipe/1';
  readonly name: string;
  /** Where it comes from, for people. */
  readonly description: string;
  readonly steps: readonly RecipeStep[];
}

/** Names of the recipes that come with the package. */
export const PRESET_NAMES = ['dynamic', 'static', 'hybrid', 'transformer', 'weight-only', 'float16'] as const;

/** Name of a recipe that comes with the package. */
export type PresetName = (typeof PRESET_NAMES)[number];

/** The recipes that come with the package. */
export const PRESETS: Readonly<Record<PresetName, Recipe>> = {
  dynamic: preset('dynamic', 'MatMul, Gemm and LSTM in int8, activations quantized at run time', [
    { transform: 'dynamic' },
  ]),
  static: preset('static', 'Conv, MatMul and Gemm in int8, activations by calibration', [{ transform: 'static' }]),
  hybrid: preset('hybrid', 'static convolutions, dynamic LSTM and products, GRU and RNN in eight bits', [
    { transform: 'static', options: { opTypesToQuantize: ['Conv'] } },
    { transform: 'recurrent' },
    { transform: 'dynamic', options: { perChannel: true } },
  ]),
  transformer: preset('transformer', 'products in int8 per channel, the last one and the table it shares in 4 bits', [
    {
      transform: 'weight-only',
      options: { quantFormat: 'QOperator', bits: 4, blockSize: 32, accuracyLevel: 4, opTypesToQuantize: ['Gemm'] },
    },
    { transform: 'dynamic', options: { perChannel: true } },
  ]),
  'weight-only': preset('weight-only', 'every weight stored as int8, all arithmetic in float32', [
    { transform: 'weight-only' },
  ]),
  float16: preset('float16', 'weights and arithmetic in half precision, inputs and outputs in float32', [
    { transform: 'half' },
  ]),
};

const UNITS_10: RecipeStep = { transform: 'prune-units', options: { share: 0.1, calibrated: true } };
const FACTORS: RecipeStep = { transform: 'low-rank', options: { energy: 0.95, calibrated: true } };
const BITS_4: readonly RecipeStep[] = [
  { transform: 'recurrent', options: { opTypesToQuantize: RECURRENT_OP_TYPES, recurrence: 'nbits4' } },
  { transform: 'dynamic', options: { perChannel: true } },
];

/** Rows of a weight that share a scale where the products of a row must not depend on the rows beside it: see {@link NAMED}. */
const ROWS_ALIKE = 32;

/**
 * Recipes for one purpose, as the experiment and the laboratory compare them: int8 that hears alike in every batch, and what takes
 * weights away, alone and with what rounds the rest. They come with the package, too; search does not try them, since it looks for
 * what fits each layer.
 *
 * `by-rows`: activations are quantized row by row, so that no recording changes the scale of another. Of blocks of 128 and more, ONNX
 * Runtime 1.30 adds one row up in another order than several, and the last bit then decides how later values are rounded; up to 64
 * they are equal bit for bit. What stays float may still differ in the last bit, as it does without a recipe.
 */
const NAMED: readonly Recipe[] = [
  recipeOf('by-rows', 'products and recurrences in int8 with scales of each row, whatever else is in the batch', [
    {
      transform: 'recurrent',
      options: { opTypesToQuantize: RECURRENT_OP_TYPES, projection: 'float', blockSize: ROWS_ALIKE },
    },
    { transform: 'weight-only', options: { quantFormat: 'QOperator', blockSize: ROWS_ALIKE, accuracyLevel: 4 } },
  ]),
  recipeOf('bits-4', 'recurrences in four bits, the rest in int8', BITS_4),
  recipeOf('units-10', 'a tenth of the units of each layer out, what reads the others fitted anew', [UNITS_10]),
  recipeOf('units-25', 'a quarter of the units of each layer out, what reads the others fitted anew', [
    { transform: 'prune-units', options: { share: 0.25, calibrated: true } },
  ]),
  recipeOf('factors-95', 'matrices in two factors that keep 95 % of what they give', [FACTORS]),
  recipeOf('units-10-int8', 'a tenth of the units out, then int8', [UNITS_10, { transform: 'dynamic' }]),
  recipeOf('units-10-bits-4', 'a tenth of the units out, then four bits', [UNITS_10, ...BITS_4]),
  recipeOf('factors-95-int8', 'matrices in two factors, then int8', [FACTORS, { transform: 'dynamic' }]),
  recipeOf('zeros-50-int8', 'half of the weights zero, chosen by what they read, then int8: small where it is coded', [
    { transform: 'prune', options: { sparsity: 0.5, calibrated: true } },
    { transform: 'dynamic' },
  ]),
];

/** What a recipe can be named by: those that come with the package, and each technique, which is a recipe of one step. */
export const RECIPE_NAMES: readonly string[] = [
  ...new Set([...PRESET_NAMES, ...NAMED.map(({ name }) => name), ...PASSES.map(({ name }) => name)]),
];

function preset(name: PresetName, description: string, steps: readonly RecipeStep[]): Recipe {
  return recipeOf(name, description, steps);
}

function recipeOf(name: string, description: string, steps: readonly RecipeStep[]): Recipe {
  return { schema: 'quantlab.recipe/1', name, description, steps };
}

const calibrationSchema = z.strictObject({
  method: z.enum(['minmax', 'moving-average', 'entropy', 'percentile']).optional(),
  symmetric: z.boolean().optional(),
  averagingConstant: z.number().optional(),
  stride: z.number().optional(),
  numBins: z.int().optional(),
  numQuantizedBins: z.int().optional(),
  percentile: z.number().optional(),
});

/** The schema of a step; options are checked, and stay as they were given: defaults are filled in when they are applied. */
const stepSchemas = PASSES.map(({ name, options, needs }) => {
  const step = { transform: z.literal(name), options: asGiven(options).optional() };
  return z.strictObject(needs === 'calibration' ? { ...step, calibration: calibrationSchema.optional() } : step);
});

function asGiven(schema: z.ZodType): z.ZodType {
  return z.unknown().superRefine((value, context) => {
    for (const issue of schema.safeParse(value).error?.issues ?? []) {
      context.addIssue({
        code: 'custom',
        path: issue.path.map((key) => key as string | number),
        message: issue.message,
      });
    }
  });
}

const recipeSchema = z.strictObject({
  schema: z.literal('quantlab.recipe/1'),
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/, 'lower-case letters, digits, dots and hyphens are required'),
  description: z.string(),
  steps: z.array(z.discriminatedUnion('transform', stepSchemas as [(typeof stepSchemas)[number]])).readonly(),
});

// The schema tells absent from undefined no more than JSON does.
const checkedSchema = recipeSchema as unknown as z.ZodType<Recipe>;

/**
 * Reads a recipe file, or takes one that comes with the package, or a technique as its only step.
 *
 * @param nameOrPath - a name of {@link RECIPE_NAMES}, or a path ending in `.json`
 * @throws {InputError} when there is no such recipe, or the file has an unknown or impossible field; the message names it
 */
export async function readRecipe(nameOrPath: string): Promise<Recipe> {
  const known = [...Object.values(PRESETS), ...NAMED].find(({ name }) => name === nameOrPath);
  if (known !== undefined) return known;
  const pass = PASSES.find(({ name }) => name === nameOrPath);
  if (pass !== undefined) {
    const steps = [{ transform: pass.name } as RecipeStep];
    return recipeOf(pass.name, pass.description, steps);
  }
  if (!nameOrPath.endsWith('.json')) {
    throw new InputError(
      `recipe: ${RECIPE_NAMES.join(', ')} or a .json file was required, got ${nameOrPath}; choose one ${didYouMean(nameOrPath, RECIPE_NAMES)}`.trimEnd(),
    );
  }
  return await readJson(nameOrPath, checkedSchema);
}

/**
 * Parses the text of a recipe.
 *
 * @param where - the file that the text is from: it begins the error
 * @throws {InputError} when the text is no recipe
 */
export function parseRecipe(text: string, where = 'recipe'): Recipe {
  return parseJson(text, checkedSchema, where);
}

/** Writes a recipe file that {@link readRecipe} reads. */
export async function writeRecipe(recipe: Recipe, path: string): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(recipe, null, 2)}\n`);
}
