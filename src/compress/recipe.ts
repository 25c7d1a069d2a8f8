import { z } from 'zod';
import { didYouMean, InputError } from '../errors.js';
import { parseJson, readJson, writeFileAtomic } from '../files.js';
import type { CalibrationOptions } from './calibrators/observer.js';
import { DYNAMIC_OP_TYPES, type QuantizeDynamicOptions } from './dynamic/dynamicOptions.js';
import type { HalfOptions } from './half/float16.js';
import { PRUNED_OP_TYPES, type PruneOptions } from './prune/pruneWeights.js';
import { type QuantizeRecurrentOptions, RECURRENT_OP_TYPES } from './recurrent/recurrentOptions.js';
import { type QuantizeStaticOptions, STATIC_OP_TYPES } from './static/staticOptions.js';
import { type QuantizeWeightOnlyOptions, WEIGHT_ONLY_OP_TYPES } from './weightOnly/weightOnlyOptions.js';

/** One transform of a recipe, with the options of the function of that name. */
export type RecipeStep =
  | { readonly transform: 'dynamic'; readonly options?: QuantizeDynamicOptions | undefined }
  | {
      readonly transform: 'static';
      readonly options?: QuantizeStaticOptions | undefined;
      readonly calibration?: CalibrationOptions | undefined;
    }
  | { readonly transform: 'recurrent'; readonly options?: QuantizeRecurrentOptions | undefined }
  | { readonly transform: 'weight-only'; readonly options?: QuantizeWeightOnlyOptions | undefined }
  | { readonly transform: 'half'; readonly options?: HalfOptions | undefined }
  | { readonly transform: 'prune'; readonly options?: PruneOptions | undefined };

/** Transforms in their order: what makes a variant of a model. A JSON file. */
export interface Recipe {
  readonly schema: 'quantlab.recipe/1';
  readonly name: string;
  /** Where it comes from, for people. */
  readonly description: string;
  readonly steps: readonly RecipeStep[];
}

/** Names of the recipes that come with the package. */
export const PRESET_NAMES = ['dynamic', 'static', 'hybrid', 'weight-only', 'float16'] as const;

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
  'weight-only': preset('weight-only', 'every weight stored as int8, all arithmetic in float32', [
    { transform: 'weight-only' },
  ]),
  float16: preset('float16', 'weights and arithmetic in half precision, inputs and outputs in float32', [
    { transform: 'half' },
  ]),
};

function preset(name: PresetName, description: string, steps: readonly RecipeStep[]): Recipe {
  return { schema: 'quantlab.recipe/1', name, description, steps };
}

const names = z.array(z.string()).readonly();
const chosen = { nodesToQuantize: names.optional(), nodesToExclude: names.optional() };
const bytes = z.enum(['int8', 'uint8']);
const blockSize = z.int().optional();

function operators<const T extends readonly string[]>(
  known: T,
): z.ZodOptional<z.ZodReadonly<z.ZodArray<z.ZodType<T[number]>>>> {
  return z
    .array(z.enum(known) as z.ZodType<T[number]>)
    .readonly()
    .optional();
}

const dynamicSchema = z.strictObject({
  ...chosen,
  opTypesToQuantize: operators(DYNAMIC_OP_TYPES),
  perChannel: z.boolean().optional(),
  reduceRange: z.boolean().optional(),
  weightType: bytes.optional(),
});

const staticSchema = z.strictObject({
  ...chosen,
  opTypesToQuantize: operators(STATIC_OP_TYPES),
  perChannel: z.boolean().optional(),
  reduceRange: z.boolean().optional(),
  activationType: bytes.optional(),
  activationSymmetric: z.boolean().optional(),
});

const calibrationSchema = z.strictObject({
  method: z.enum(['minmax', 'moving-average', 'entropy', 'percentile']).optional(),
  symmetric: z.boolean().optional(),
  averagingConstant: z.number().optional(),
  stride: z.number().optional(),
  numBins: z.int().optional(),
  numQuantizedBins: z.int().optional(),
  percentile: z.number().optional(),
});

const recurrentSchema = z.strictObject({
  ...chosen,
  opTypesToQuantize: operators(RECURRENT_OP_TYPES),
  projection: z.enum(['float', 'int8']).optional(),
  recurrence: z.enum(['float', 'int8', 'nbits8', 'nbits4']).optional(),
  blockSize,
  reduceRange: z.boolean().optional(),
});

const weightOnlySchema = z.strictObject({
  ...chosen,
  opTypesToQuantize: operators(WEIGHT_ONLY_OP_TYPES),
  quantFormat: z.enum(['QDQ', 'QOperator']).optional(),
  bits: z.union([z.literal(4), z.literal(8)]).optional(),
  perChannel: z.boolean().optional(),
  blockSize,
  isSymmetric: z.boolean().optional(),
  algorithm: z.enum(['nearest', 'hqq']).optional(),
  accuracyLevel: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.literal(4)]).optional(),
});

const halfSchema = z.strictObject({
  format: z.enum(['float16', 'bfloat16']).optional(),
  weightsOnly: z.boolean().optional(),
  opBlockList: names.optional(),
  nodesToExclude: names.optional(),
});

const pruneSchema = z.strictObject({
  sparsity: z.number().min(0).max(1).optional(),
  opTypesToPrune: operators(PRUNED_OP_TYPES),
  nodesToPrune: names.optional(),
  nodesToExclude: names.optional(),
});

const recipeSchema = z.strictObject({
  schema: z.literal('quantlab.recipe/1'),
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/, 'lower-case letters, digits, dots and hyphens are required'),
  description: z.string(),
  steps: z
    .array(
      z.discriminatedUnion('transform', [
        z.strictObject({ transform: z.literal('dynamic'), options: dynamicSchema.optional() }),
        z.strictObject({
          transform: z.literal('static'),
          options: staticSchema.optional(),
          calibration: calibrationSchema.optional(),
        }),
        z.strictObject({ transform: z.literal('recurrent'), options: recurrentSchema.optional() }),
        z.strictObject({ transform: z.literal('weight-only'), options: weightOnlySchema.optional() }),
        z.strictObject({ transform: z.literal('half'), options: halfSchema.optional() }),
        z.strictObject({ transform: z.literal('prune'), options: pruneSchema.optional() }),
      ]),
    )
    .readonly(),
});

// The schema tells absent from undefined no more than JSON does.
const checkedSchema = recipeSchema as unknown as z.ZodType<Recipe>;

/**
 * Reads a recipe file, or takes one that comes with the package.
 *
 * @param nameOrPath - a name of {@link PRESET_NAMES}, or a path ending in `.json`
 * @throws {InputError} when there is no such recipe, or the file has an unknown or impossible field; the message names it
 */
export async function readRecipe(nameOrPath: string): Promise<Recipe> {
  const known = PRESET_NAMES.find((name) => name === nameOrPath);
  if (known !== undefined) return PRESETS[known];
  if (!nameOrPath.endsWith('.json')) {
    throw new InputError(
      `recipe: ${PRESET_NAMES.join(', ')} or a .json file was required, got ${nameOrPath}; choose one ${didYouMean(nameOrPath, PRESET_NAMES)}`.trimEnd(),
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
