import { isOp } from '../../onnx/graph/node.js';
import type { OnnxModel } from '../../onnx/model.js';
import { elementCount, tensorDtype } from '../../onnx/tensor/tensor.js';
import { LAYER_OPS, type LayerForm, type LayerOp, type Pass, STAGES, weightInputs } from '../pass.js';
import { PASSES } from '../passes.js';
import type { Recipe, RecipeStep } from '../recipe.js';
import { NormalGraph } from '../rewrite/normalGraph.js';
import { foldBatchNorm } from '../static/foldBatchNorm.js';
import { activationsAfter } from '../static/staticPlan.js';

/**
 * What can be done to one layer: `float`, or the name of one of the `forms` of `PASSES`; or of two, one that takes parts or
 * numbers away and one that stores the rest in fewer bits, with `+` between them.
 */
export type LayerChoice = string;

/** The two decisions about a layer: what is taken away, and in how many bits the rest is stored. */
export const DECISIONS = ['parts', 'bits'] as const;

/** One of the two decisions about a layer. */
export type Decision = (typeof DECISIONS)[number];

/** What can be done to a layer of an operator, `float` apart: in fewer bits alone, where no other decision is asked for. */
export function choicesFor(opType: LayerOp, decision: Decision = 'bits'): readonly LayerChoice[] {
  return formsFor(opType, decision).map(({ choice }) => choice);
}

/** The forms that a layer of an operator can take by one of the two decisions. */
export function formsFor(opType: LayerOp, decision: Decision): readonly LayerForm<object>[] {
  const passes = PASSES.toSorted((a, b) => (a.name < b.name ? -1 : 1)).filter((pass) => decidedBy(pass) === decision);
  return passes.flatMap(({ forms = [] }) => forms).filter(({ opTypes }) => opTypes.includes(opType));
}

function decidedBy({ stage }: Pass): Decision {
  return STAGES.indexOf(stage) < STAGES.indexOf('calibrated') ? 'parts' : 'bits';
}

/**
 * A choice with another form by one of the two decisions.
 *
 * @param form - `null` for none
 */
export function withForm(opType: LayerOp, choice: LayerChoice, decision: Decision, form: string | null): LayerChoice {
  const forms = DECISIONS.flatMap((one) => {
    const kept = choice.split('+').find((name) => choicesFor(opType, one).includes(name));
    return (one === decision ? form : kept) ?? [];
  });
  return forms.join('+') || 'float';
}

/** A node with weights, for which a choice can be made. */
export interface Layer {
  /** Name of the node. */
  readonly node: string;
  readonly opType: LayerOp;
  /** Numbers in its weights. */
  readonly parameters: number;
  /** The value that the layer gives, after a `Relu` or `Clip` that it alone feeds. */
  readonly output: string;
}

/**
 * The layers of a model's main graph, those inside its functions included, whose weights are float32 constants and whose nodes have a
 * name, in order. A batch normalisation that only one layer feeds is part of that layer.
 */
export function layersOf(original: OnnxModel): readonly Layer[] {
  return layersOfGraph(NormalGraph.enter(original));
}

/** {@link layersOf} a graph. */
export function layersOfGraph(original: NormalGraph): readonly Layer[] {
  const { graph } = foldBatchNorm(original);
  const after = activationsAfter(graph);
  const layers: Layer[] = [];
  for (const node of graph.graph.node) {
    const opType = LAYER_OPS.find((type) => isOp(node, type));
    if (opType === undefined || node.name === '') continue;
    const weights = weightInputs(opType).map((place) => graph.constantOf(node.input[place] ?? ''));
    // What is not float32 has no form in fewer bits, and cannot be watched beside it.
    if (!weights.every((weight) => weight !== undefined && tensorDtype(weight.tensor) === 'float32')) continue;
    const parameters = weights.reduce((sum, weight) => sum + (weight ? elementCount(weight.tensor) : 0), 0);
    const direct = node.output.find((name) => name !== '') ?? '';
    layers.push({ node: node.name, opType, parameters, output: after.get(direct)?.output[0] ?? direct });
  }
  return layers;
}

/** A choice for each layer, by name of the node; layers that are not named stay float. */
export type LayerChoices = ReadonlyMap<string, LayerChoice>;

/**
 * The recipe that gives each layer what was chosen for it.
 *
 * @param layers - of the model
 * @param choices - by name of the node
 */
export function recipeOf(name: string, description: string, layers: readonly Layer[], choices: LayerChoices): Recipe {
  const open = layers.map(({ node, opType }) => ({ node, opType, names: (choices.get(node) ?? '').split('+') }));
  const steps: RecipeStep[] = [];
  for (const { name: transform, forms = [] } of PASSES) {
    for (const { choice, opTypes, options, makes } of forms) {
      const chosen = open.filter(({ opType, names }) => names.includes(choice) && opTypes.includes(opType));
      if (chosen.length === 0) continue;
      steps.push({ transform, options: options(chosen.map(({ node }) => node)) } as RecipeStep);
      for (const { node, names } of chosen) {
        if (makes === undefined) continue;
        open.push({ node: makes(node), opType: 'MatMul', names: names.filter((one) => one !== choice) });
      }
    }
  }
  return { schema: 'quantlab.recipe/1', name, description, steps };
}
