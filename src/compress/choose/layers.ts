import { isOp } from '../../onnx/graph/node.js';
import { mainGraph, type OnnxModel } from '../../onnx/model.js';
import { elementCount, tensorDtype } from '../../onnx/tensor/tensor.js';
import type { Recipe, RecipeStep } from '../recipe.js';
import { prepare } from '../rewrite/prepare.js';
import { Scope } from '../rewrite/scope.js';
import { foldBatchNorm } from '../static/foldBatchNorm.js';
import { activationsAfter } from '../static/staticPlan.js';

/** Operators that carry the weights of a recogniser. */
const LAYER_OPS = ['Conv', 'MatMul', 'Gemm', 'LSTM', 'GRU', 'RNN'] as const;

/** An operator that carries weights. */
export type LayerOp = (typeof LAYER_OPS)[number];

/**
 * What can be done to one layer. `static`: integers by calibration. `dynamic`: int8 weights, activations quantized at run
 * time. `int8`, `nbits8`, `nbits4`: the recurrence in a `Scan` in that precision, or the product in blocks.
 */
export type LayerChoice = 'float' | 'static' | 'dynamic' | 'int8' | 'nbits8' | 'nbits4';

/** What is possible for each operator, `float` apart. */
export const LAYER_CHOICES: Readonly<Record<LayerOp, readonly LayerChoice[]>> = {
  Conv: ['static'],
  MatMul: ['dynamic', 'static', 'nbits8', 'nbits4'],
  Gemm: ['dynamic', 'static', 'nbits8', 'nbits4'],
  LSTM: ['dynamic', 'nbits8', 'nbits4'],
  GRU: ['int8', 'nbits8', 'nbits4'],
  RNN: ['int8', 'nbits8', 'nbits4'],
};

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
 * The layers of a model's main graph, what its functions do included, whose weights are float32 constants and whose nodes
 * have a name, in order. A batch
 * normalisation that a layer alone feeds counts as part of it.
 */
export function layersOf(original: OnnxModel): readonly Layer[] {
  const { model } = foldBatchNorm(prepare(original).model);
  const graph = mainGraph(model);
  const scope = new Scope(graph, null);
  const after = activationsAfter(model);
  const layers: Layer[] = [];
  for (const node of graph.node) {
    const opType = LAYER_OPS.find((type) => isOp(node, type));
    if (opType === undefined || node.name === '') continue;
    const places = opType === 'LSTM' || opType === 'GRU' || opType === 'RNN' ? [1, 2] : [1];
    const weights = places.map((place) => scope.constantOf(node.input[place] ?? ''));
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
  const nodesWith = (choice: LayerChoice, recurrent: boolean): string[] =>
    layers
      .filter(({ node, opType }) => choices.get(node) === choice && isRecurrent(opType) === recurrent)
      .map(({ node }) => node);
  const steps: RecipeStep[] = [];
  const statics = nodesWith('static', false);
  if (statics.length > 0) steps.push({ transform: 'static', options: { nodesToQuantize: statics } });
  for (const recurrence of ['int8', 'nbits8', 'nbits4'] as const) {
    const nodesToQuantize = nodesWith(recurrence, true);
    if (nodesToQuantize.length === 0) continue;
    const opTypesToQuantize = ['GRU', 'RNN', 'LSTM'] as const;
    steps.push({ transform: 'recurrent', options: { opTypesToQuantize, nodesToQuantize, recurrence } });
  }
  for (const [choice, bits] of [
    ['nbits8', 8],
    ['nbits4', 4],
  ] as const) {
    const nodesToQuantize = nodesWith(choice, false);
    if (nodesToQuantize.length === 0) continue;
    const options = { quantFormat: 'QOperator', bits, accuracyLevel: 4, nodesToQuantize } as const;
    steps.push({ transform: 'weight-only', options });
  }
  const dynamics = [...nodesWith('dynamic', false), ...nodesWith('dynamic', true)];
  if (dynamics.length > 0) {
    steps.push({ transform: 'dynamic', options: { perChannel: true, nodesToQuantize: dynamics } });
  }
  return { schema: 'quantlab.recipe/1', name, description, steps };
}

function isRecurrent(opType: LayerOp): boolean {
  return opType === 'LSTM' || opType === 'GRU' || opType === 'RNN';
}
