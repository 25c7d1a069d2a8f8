import { modelTensors } from '../../onnx/graph/subgraphs.js';
import type { OnnxModel } from '../../onnx/model.js';
import { tensorDtype } from '../../onnx/tensor/tensor.js';
import { DYNAMIC_DEFAULTS } from '../dynamic/dynamicOptions.js';
import { PRUNED_OP_TYPES } from '../prune/pruneWeights.js';
import type { PresetName, Recipe, RecipeStep } from '../recipe.js';
import { recurrentSettings } from '../recurrent/recurrentOptions.js';
import { STATIC_DEFAULTS } from '../static/staticOptions.js';
import { weightOnlySettings } from '../weightOnly/weightOnlyOptions.js';
import { isMatrix, isUnmeant } from './leftWeights.js';
import type { CompressionReport } from './report.js';

/** Reasons that are told; the report has all of them. */
const MOST_REASONS = 3;

/** Which recipe of the package has a form of an operator that others leave. */
const FORMS: readonly (readonly [opTypes: readonly string[], preset: PresetName])[] = [
  [['GRU', 'RNN', 'Conv'], 'hybrid'],
  [['LSTM', 'MatMul', 'Gemm'], 'dynamic'],
  [['Gather'], 'weight-only'],
];

/**
 * Why a recipe made no weight smaller: what it looked for, what the model has instead, and what to do, as the end of an
 * error: `got none: …; …`.
 */
export function nothingDone(model: OnnxModel, recipe: Recipe, report: CompressionReport): string {
  if (recipe.steps.length === 0) return 'none: the recipe has no steps; write some, or choose another';
  const looked = [...new Set(recipe.steps.map(wantedBy))].join(', then for ');
  const matrices = report.leftWeights.filter(isMatrix);
  const reasons = new Set([
    ...report.leftNodes.map(({ node, reason }) => `${node}: ${reason}`),
    ...matrices.map(({ name, node, reason }) => `${name} of ${node || 'the graph'}: ${reason}`),
  ]);
  const told = [...reasons].slice(0, MOST_REASONS);
  if (reasons.size > told.length) told.push(`and ${reasons.size - told.length} more`);
  if (told.length === 0) told.push(withoutFloats(model));
  const [other] = otherRecipes(recipe, report);
  return `none: it looked for ${looked}; ${told.join('; ')}; ${other ?? 'choose another recipe, or see what the model holds with `quantlab inspect`'}`;
}

/**
 * For operators whose weights stay in float: the recipes that have a form of them, as sentences.
 */
export function otherRecipes(recipe: Recipe, report: CompressionReport): readonly string[] {
  const left = new Set(
    report.leftWeights.filter((weight) => isMatrix(weight) && isUnmeant(weight.reason)).map(({ opType }) => opType),
  );
  return FORMS.flatMap(([opTypes, preset]) => {
    const found = opTypes.filter((opType) => left.has(opType));
    if (found.length === 0 || preset === recipe.name) return [];
    return [`--recipe ${preset} has a form of ${found.join(' and ')}`];
  });
}

function wantedBy(step: RecipeStep): string {
  const operators = (names: readonly string[]): string => `constant weights of ${names.join(', ')}`;
  switch (step.transform) {
    case 'dynamic':
      return operators(step.options?.opTypesToQuantize ?? DYNAMIC_DEFAULTS.opTypesToQuantize);
    case 'static':
      return operators(step.options?.opTypesToQuantize ?? STATIC_DEFAULTS.opTypesToQuantize);
    case 'recurrent':
      return operators(recurrentSettings(step.options ?? {}).opTypesToQuantize);
    case 'weight-only':
      return operators(weightOnlySettings(step.options ?? {}).opTypesToQuantize);
    case 'prune':
      return operators(step.options?.opTypesToPrune ?? PRUNED_OP_TYPES);
    case 'half':
      return 'float32 constants of more than one number';
  }
}

function withoutFloats(model: OnnxModel): string {
  const types = new Set(Array.from(modelTensors(model.proto), tensorDtype));
  const integers = ['int8', 'uint8', 'int4', 'uint4'] as const;
  if (integers.some((type) => types.has(type))) return 'its weights are integers already';
  if (types.has('float16') || types.has('bfloat16')) return 'its weights are in half precision already';
  return 'the model holds no such weight';
}
