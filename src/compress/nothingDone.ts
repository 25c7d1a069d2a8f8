import { modelTensors } from '../onnx/graph/subgraphs.js';
import type { OnnxModel } from '../onnx/model.js';
import { tensorDtype } from '../onnx/tensor/tensor.js';
import { settingsOf } from './pass.js';
import { passNamed } from './passes.js';
import type { PresetName, Recipe, RecipeStep } from './recipe.js';
import { type CompressionReport, isMatrix, isUnmeant } from './rewrite/report.js';

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
    report.leftWeights.filter((weight) => isMatrix(weight) && isUnmeant(weight.cause)).map(({ opType }) => opType),
  );
  return FORMS.flatMap(([opTypes, preset]) => {
    const found = opTypes.filter((opType) => left.has(opType));
    if (found.length === 0 || preset === recipe.name) return [];
    return [`--recipe ${preset} has a form of ${found.join(' and ')}`];
  });
}

function wantedBy({ transform, options = {} }: RecipeStep): string {
  const pass = passNamed(transform);
  return pass === undefined ? transform : pass.looksFor(settingsOf(pass, options));
}

function withoutFloats(model: OnnxModel): string {
  const types = new Set(Array.from(modelTensors(model.proto), tensorDtype));
  const integers = ['int8', 'uint8', 'int4', 'uint4'] as const;
  if (integers.some((type) => types.has(type))) return 'its weights are integers already';
  if (types.has('float16') || types.has('bfloat16')) return 'its weights are in half precision already';
  return 'the model holds no such weight';
}
