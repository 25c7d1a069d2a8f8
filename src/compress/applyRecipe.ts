import { InputError } from '../errors.js';
import { storedBytes } from '../onnx/file/storedBytes.js';
import type { OnnxModel } from '../onnx/model.js';
import type { CalibrationOptions } from './calibrators/observer.js';
import type { ValueRange } from './calibrators/range.js';
import { type Compressed, quantizeDynamic } from './dynamic/dynamic.js';
import { convertToHalf } from './half/float16.js';
import { pruneWeights } from './prune/pruneWeights.js';
import type { Recipe, RecipeStep } from './recipe.js';
import { quantizeRecurrent } from './recurrent/recurrent.js';
import { isUnmeant } from './rewrite/leftWeights.js';
import type { CompressionReport, LeftNode, LeftWeight } from './rewrite/report.js';
import { alignedForIntegers } from './static/aligned.js';
import { gatherTaps } from './static/gatherTaps.js';
import { quantizeStatic } from './static/static.js';
import { type CalibrationPlan, planCalibration } from './static/staticPlan.js';
import { quantizeWeightOnly } from './weightOnly/weightOnly.js';

/** What transforms need from outside: `compress` runs no model itself. */
export interface RecipeResources {
  /**
   * Runs the plan's model over the calibration set and gives the ranges of its tensors.
   * Needed by recipes with a `static` step; see `calibrator` of src/experiment/calibrate.ts.
   */
  readonly calibrate?: (plan: CalibrationPlan, options: CalibrationOptions) => Promise<ReadonlyMap<string, ValueRange>>;
}

/** Bytes that nodes may add: so small a model is a sketch, which shows what a recipe does rather than saves anything. */
const MOST_ADDED_BYTES = 2 ** 14;

/**
 * Applies the transforms of a recipe one after another. Where smaller weights would make the file larger by more than
 * 16 KiB, with their scales and the nodes around them, the model stays as it was, with a note.
 *
 * @param model - left as it is
 * @param recipe - from `readRecipe`, or made by a search
 * @param resources - what the transforms need from outside
 * @returns the new model, and one report of all steps in the words of the original model
 * @throws {InputError} when a step is not possible, or needs a resource that is not there
 * @example
 * const { model, report } = await applyRecipe(await readModel('model.onnx'), PRESETS.dynamic);
 */
export async function applyRecipe(
  model: OnnxModel,
  recipe: Recipe,
  resources: RecipeResources = {},
): Promise<Compressed> {
  let current = model;
  const reports: CompressionReport[] = [];
  const params = new Set<string>();
  for (const step of recipe.steps) {
    const done = await applyStep(current, step, recipe, resources);
    current = done.model;
    reports.push(done.report);
    for (const name of done.params ?? []) params.add(name);
  }
  const report = joinReports(recipe.name, reports, params);
  const added = storedBytes(current.proto) - storedBytes(model.proto);
  // What changes no weight's type (pruning, a layer written out in float) is not done for the file's size.
  const isForSize = report.compressed.some(({ from, to }) => from !== to);
  if (isForSize && added > MOST_ADDED_BYTES) return { model, report: leftAsItWas(report, added) };
  return { model: current, report, params };
}

/** The report on a model that a recipe would have made larger. */
function leftAsItWas(report: CompressionReport, added: number): CompressionReport {
  const reason = `the recipe would make the model ${added} bytes larger`;
  const leftWeights = [
    ...report.compressed.map(({ name, node, opType, shape, from, sizeBytesBefore }) => {
      return { name, node, opType, shape, dtype: from, sizeBytes: sizeBytesBefore, reason };
    }),
    ...report.leftWeights,
  ];
  return {
    ...report,
    compressed: [],
    leftWeights,
    replacedNodes: {},
    weightBytesAfter: report.weightBytesBefore,
    notes: [`the model was left as it was: ${reason}`],
  };
}

async function applyStep(
  model: OnnxModel,
  step: RecipeStep,
  recipe: Recipe,
  resources: RecipeResources,
): Promise<Compressed> {
  switch (step.transform) {
    case 'dynamic':
      return quantizeDynamic(model, step.options);
    case 'recurrent':
      return quantizeRecurrent(model, step.options);
    case 'weight-only':
      return quantizeWeightOnly(model, step.options);
    case 'half':
      return convertToHalf(model, step.options);
    case 'prune':
      return pruneWeights(model, step.options);
    case 'static': {
      const aligned = alignedForIntegers(model);
      const plan = planCalibration(aligned, step.options);
      if (plan.tensors.length === 0) return quantizeStatic(aligned, new Map(), step.options);
      if (resources.calibrate === undefined) {
        throw new InputError(
          `recipe ${recipe.name}: a calibration set was required by its static step, got none; give the model a card, or arrays with --inputs`,
        );
      }
      const ranges = await resources.calibrate(plan, step.calibration ?? {});
      return gatherTaps(quantizeStatic(aligned, ranges, step.options));
    }
    default:
      throw new InputError(`recipe ${recipe.name}: a known transform was required, got ${JSON.stringify(step)}`);
  }
}

/**
 * One report of several steps: a weight that a later step reads again was not left by an earlier one, and the scales that
 * an earlier step made are no weights that a later one left.
 */
function joinReports(
  title: string,
  reports: readonly CompressionReport[],
  params: ReadonlySet<string>,
): CompressionReport {
  const last = reports.at(-1);
  const all = reports.flatMap((report) => report.compressed);
  const changed = new Set(all.filter(({ from, to }) => from !== to).map((weight) => weight.name));
  // What was pruned and then quantized counts as what it is in the end.
  const compressed = all.filter(({ name, from, to }) => from !== to || !changed.has(name));
  const done = new Set(compressed.map((weight) => weight.name));
  const leftWeights = (last?.leftWeights ?? [])
    .filter(({ name }) => !done.has(name) && !params.has(name))
    .map((weight) => ({ ...weight, reason: reasonOfSteps(weight, reports) }));
  const doneNodes = new Set(all.filter(({ from, to }) => from !== to).map(({ node }) => node));
  const leftNodes = new Map<string, LeftNode>();
  for (const one of reports.flatMap((report) => report.leftNodes)) {
    if (!doneNodes.has(one.node) && !leftNodes.has(one.node)) leftNodes.set(one.node, one);
  }
  const replaced = new Map<string, number>();
  for (const { replacedNodes } of reports) {
    for (const [opType, count] of Object.entries(replacedNodes))
      replaced.set(opType, (replaced.get(opType) ?? 0) + count);
  }
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  const leftBytes = sum(leftWeights.map((weight) => weight.sizeBytes));
  const before = new Map(compressed.map((weight) => [weight.name, weight.sizeBytesBefore]));
  return {
    transform: title,
    compressed,
    leftWeights,
    leftNodes: [...leftNodes.values()],
    replacedNodes: Object.fromEntries([...replaced].sort()),
    weightBytesBefore: sum([...before.values()]) + leftBytes,
    weightBytesAfter: sum(compressed.map((weight) => weight.sizeBytesAfter)) + leftBytes,
    notes: reports.flatMap((report) => report.notes),
  };
}

/** Of several steps that left a weight, the reason of the one that was meant for it. */
function reasonOfSteps(weight: LeftWeight, reports: readonly CompressionReport[]): string {
  if (reports.length === 1) return weight.reason;
  const reasons = reports.flatMap((report) => report.leftWeights.filter(({ name }) => name === weight.name));
  const meant = reasons.find(({ reason }) => !isUnmeant(reason));
  return meant?.reason ?? `no step of the recipe has a form of ${weight.opType}`;
}
