import { InputError } from '../errors.js';
import { storedBytes } from '../onnx/file/storedBytes.js';
import type { OnnxModel } from '../onnx/model.js';
import { type Compressed, named, type RecipeResources, settingsOf } from './pass.js';
import { passNamed } from './passes.js';
import type { Recipe, RecipeStep } from './recipe.js';
import { NormalGraph } from './rewrite/normalGraph.js';
import {
  type CompressedWeight,
  type CompressionReport,
  isUnmeant,
  type LeftNode,
  type LeftWeight,
  weightBytes,
} from './rewrite/report.js';
import type { Changed } from './rewrite/rewrite.js';

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
  if (recipe.steps.length === 0) return { model, report: joinReports(recipe.name, [], new Set()), params: new Set() };
  const entered = NormalGraph.enter(model);
  let current = entered;
  const reports: CompressionReport[] = [];
  const params = new Set<string>();
  for (const step of recipe.steps) {
    const given = current === entered ? entered : current.handedOn();
    const done = await applyStep(given, step, recipe, resources);
    if (done.graph !== given) current = done.graph;
    reports.push(done.report);
    for (const name of done.params ?? []) params.add(name);
  }
  const report = joinReports(recipe.name, reports, params);
  if (current === entered) return { model, report, params };
  const added = storedBytes(current.model.proto) - storedBytes(model.proto);
  // What changes no weight's type (pruning, a layer written out in float) is not done for the file's size.
  const isForSize = report.compressed.some(({ from, to }) => from !== to);
  if (isForSize && added > MOST_ADDED_BYTES) return { model, report: leftAsItWas(report, added) };
  return { model: current.model, report, params };
}

/** The report on a model that a recipe would have made larger. */
function leftAsItWas(report: CompressionReport, added: number): CompressionReport {
  const reason = `the recipe would make the model ${added} bytes larger`;
  const leftWeights = [
    ...report.compressed.map(({ name, node, opType, shape, from, sizeBytesBefore }): LeftWeight => {
      return { name, node, opType, shape, dtype: from, sizeBytes: sizeBytesBefore, cause: 'larger', reason };
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
  graph: NormalGraph,
  step: RecipeStep,
  recipe: Recipe,
  resources: RecipeResources,
): Promise<Changed> {
  const pass = passNamed(step.transform);
  if (pass === undefined) {
    throw new InputError(`recipe ${recipe.name}: a known transform was required, got ${JSON.stringify(step)}`);
  }
  try {
    return await pass.apply(graph, settingsOf(pass, step.options ?? {}), resources, step.calibration ?? {});
  } catch (error) {
    throw named(graph.model, error);
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
  const final = all.filter(({ name, from, to }) => from !== to || !changed.has(name));
  const compressed = inOriginalWords(final);
  const done = new Set(final.flatMap(({ name, storedAs = name }) => [name, storedAs]));
  const leftWeights = (last?.leftWeights ?? [])
    .filter(({ name }) => !done.has(name) && !params.has(name))
    .map((weight) => ({ ...weight, ...reasonOfSteps(weight, reports) }));
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
  return {
    transform: title,
    compressed,
    leftWeights,
    leftNodes: [...leftNodes.values()],
    replacedNodes: Object.fromEntries([...replaced].sort()),
    ...weightBytes(compressed, leftWeights),
    notes: reports.flatMap((report) => report.notes),
  };
}

/** What a later step did to a part that an earlier one had made of a weight counts as done to that weight. */
function inOriginalWords(all: readonly CompressedWeight[]): readonly CompressedWeight[] {
  const parts = new Map(all.flatMap((weight) => (weight.storedAs === undefined ? [] : [[weight.storedAs, weight]])));
  const later = new Set(all.map(({ name }) => name));
  return all.flatMap((weight) => {
    if (weight.storedAs !== undefined && later.has(weight.storedAs)) return [];
    const part = parts.get(weight.name);
    if (part === undefined) return [weight];
    const { name, node, opType, sizeBytesBefore } = part;
    return [{ ...weight, name, node, opType, sizeBytesBefore, signalToErrorDb: lower(part, weight) }];
  });
}

function lower(one: CompressedWeight, other: CompressedWeight): number | null {
  const both = [one, other].flatMap(({ signalToErrorDb }) => (signalToErrorDb === null ? [] : [signalToErrorDb]));
  return both.length === 0 ? null : Math.min(...both);
}

/** Of several steps that left a weight, the reason of the one that was meant for it. */
function reasonOfSteps(
  { name, opType, cause, reason }: LeftWeight,
  reports: readonly CompressionReport[],
): Pick<LeftWeight, 'cause' | 'reason'> {
  if (reports.length === 1) return { cause, reason };
  const all = reports.flatMap(({ leftWeights }) => leftWeights.filter((weight) => weight.name === name));
  const meant = all.find((weight) => !isUnmeant(weight.cause));
  if (meant !== undefined) return { cause: meant.cause, reason: meant.reason };
  return { cause: 'no-form', reason: `no step of the recipe has a form of ${opType}` };
}
