import { otherRecipes } from '../compress/nothingDone.js';
import type { Recipe } from '../compress/recipe.js';
import { type CompressionReport, isMatrix, type LeftWeight } from '../compress/rewrite/report.js';
import { columns, decibelsText } from './columns.js';

/** What a recipe did to each weight and why the rest was left, for a terminal. */
export function compressionTable(recipe: Recipe, report: CompressionReport): string {
  const done = report.compressed.map((weight) => [
    weight.name,
    weight.opType,
    `[${weight.shape.join(', ')}]`,
    `${weight.from} → ${weight.to}`,
    `per ${weight.granularity}`,
    weight.signalToErrorDb === null ? '–' : `${decibelsText(weight.signalToErrorDb)} dB`,
  ]);
  const matrices = report.leftWeights.filter(isMatrix);
  const others = report.leftWeights.filter((weight) => !isMatrix(weight));
  const left = matrices.map((weight) => [weight.name, weight.opType, weight.sizeBytes, weight.reason]);
  if (others.length > 0) left.push(summedUp(others));
  const parts = [columns(['weight', 'operator', 'shape', 'type', 'scales', 'signal to error'], done)];
  if (left.length > 0) parts.push(columns(['left in float', 'operator', 'bytes', 'why'], left));
  const remarks = [...report.notes, ...otherRecipes(recipe, report)];
  return `${parts.join('\n')}\n${remarks.map((remark) => `${remark}\n`).join('')}`;
}

/** Biases, norms and states in one row: they are many and small. */
function summedUp(weights: readonly LeftWeight[]): (string | number)[] {
  const bytes = weights.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const opTypes = [...new Set(weights.map(({ opType }) => opType))].filter((opType) => opType !== '');
  const named = opTypes.length > 3 ? `${opTypes.slice(0, 3).join(', ')} …` : opTypes.join(', ');
  return [`${weights.length} biases, norms and the like`, named, bytes, 'no matrices: computed in float'];
}
