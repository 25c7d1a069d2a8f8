import type { NodeProto } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { copyMessage } from '../../onnx/graph/copy.js';
import { makeNode, nodeTitle } from '../../onnx/graph/node.js';
import { pruneUnused } from '../../onnx/graph/prune.js';
import type { OnnxModel } from '../../onnx/model.js';
import { makeTensor, shapeOf } from '../../onnx/tensor/tensor.js';
import type { CalibrationOptions } from '../calibrators/observer.js';
import type { ValueRange } from '../calibrators/range.js';
import { applyAlone, type Compressed, type Pass, type RecipeResources } from '../pass.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import type { NormalGraph } from '../rewrite/normalGraph.js';
import { type Changed, compressedWeight, type Rewriting, rewriteModel } from '../rewrite/rewrite.js';
import type { Constant, Scope } from '../rewrite/scope.js';
import { alignedForIntegers } from './aligned.js';
import { isCarriedIntoBody } from './carriedIntoBody.js';
import { foldBatchNorm } from './foldBatchNorm.js';
import { gatherTaps } from './gatherTaps.js';
import { activationParams, addQuantization, bounds } from './staticActivation.js';
import { staticLayer } from './staticLayer.js';
import {
  PER_CHANNEL_OPSET,
  type QuantizeStaticOptions,
  STATIC_OP_TYPES,
  STATIC_OPTIONS,
  type StaticGiven,
  type StaticOpType,
  type StaticSettings,
  staticSettings,
} from './staticOptions.js';
import { activationsAfter, planOf } from './staticPlan.js';
import { type StaticWeight, staticWeight } from './staticWeight.js';

/** Static quantization: {@link quantizeStatic} as a step of a recipe. */
export const STATIC: Pass<'static', QuantizeStaticOptions, StaticGiven> & { readonly needs: 'calibration' } = {
  name: 'static',
  title: 'static quantization',
  description: 'weights and activations in eight bits, with ranges that calibration finds',
  stage: 'calibrated',
  options: STATIC_OPTIONS,
  needs: 'calibration',
  forms: [
    { choice: 'static', opTypes: ['Conv', 'MatMul', 'Gemm'], options: (nodesToQuantize) => ({ nodesToQuantize }) },
  ],
  looksFor: ({ opTypesToQuantize }) => `constant weights of ${opTypesToQuantize.join(', ')}`,
  apply,
};

/** What the rewriting of one model knows and remembers. */
interface StaticContext {
  readonly settings: StaticSettings;
  readonly ranges: ReadonlyMap<string, ValueRange>;
  /** The `Relu` or `Clip` after a convolution, by what it reads. */
  readonly activations: ReadonlyMap<string, NodeProto>;
  /** The nodes that read each value. */
  readonly readers: ReadonlyMap<string, readonly NodeProto[]>;
  /** Quantized activations: the name of what `DequantizeLinear` gives, and its scale. */
  readonly quantized: Map<string, { readonly name: string; readonly scale: number }>;
  /** `Relu` and `Clip` nodes whose work the quantization does. */
  readonly removed: Set<NodeProto>;
}

/**
 * Quantizes weights and activations to eight bits with ranges that calibration found: `QuantizeLinear` and
 * `DequantizeLinear` around each convolution and product, which the runtime fuses to integer operators. Batch
 * normalisation is folded first; a bias becomes int32; a `Relu` or `Clip` after a convolution becomes the saturation of
 * its quantized output.
 *
 * @param model - left as it is
 * @param ranges - of the activations that {@link planCalibration} names; a node that lacks one stays in float
 * @returns the new model and a report on each weight
 * @throws {InputError} for an unknown option, or an operator set that cannot do it
 */
export function quantizeStatic(
  model: OnnxModel,
  ranges: ReadonlyMap<string, ValueRange>,
  options: QuantizeStaticOptions = {},
): Compressed {
  return applyAlone(model, STATIC, options, (graph, given) => quantize(folded(graph), given, ranges));
}

/** A graph that can be quantized, its normalisations folded. */
function folded(graph: NormalGraph): NormalGraph {
  // `QuantizeLinear` is in operator set 10; but where a bias is added to a quantized product, ONNX Runtime rounds it by
  // the `Round` of 11, and refuses the model when it is of 10.
  const { graph: done, folded: titles } = foldBatchNorm(graph.inOpset11());
  return done.noting(titles.map((title) => `${title} was folded into the layer before it`));
}

async function apply(
  original: NormalGraph,
  given: StaticGiven,
  resources: RecipeResources,
  calibration: CalibrationOptions,
): Promise<Changed> {
  const graph = folded(alignedForIntegers(original));
  const plan = planOf(graph, staticSettings(given, graph.opset));
  if (plan.tensors.length === 0) return quantize(graph, given, new Map());
  if (resources.calibrate === undefined) {
    throw new InputError(
      'a calibration set was required by the static step, got none; give the model a card, or arrays with --inputs',
    );
  }
  return gatherTaps(quantize(graph, given, await resources.calibrate(plan, calibration)));
}

function quantize(input: NormalGraph, given: StaticGiven, ranges: ReadonlyMap<string, ValueRange>): Changed {
  const settings = staticSettings(given, input.opset);
  const context: StaticContext = {
    settings,
    ranges,
    activations: activationsAfter(input),
    readers: input.users,
    quantized: new Map(),
    removed: new Set(),
  };
  const rewritten = rewriteModel(input, settings, {
    name: STATIC.name,
    title: STATIC.title,
    opTypes: STATIC_OP_TYPES,
    mainGraphOnly: true,
    begin(rewriting) {
      context.quantized.clear();
      context.removed.clear();
      return (node, opType, scope) => rewriteLayer(node, opType, context, scope, rewriting);
    },
  });
  const { graph, report } = rewritten;
  const node = graph.graph.node.filter((one) => !context.removed.has(one));
  const notes = [...report.notes];
  if (input.opset < PER_CHANNEL_OPSET && report.compressed.length > 0 && given.perChannel === undefined) {
    notes.push(`operator set ${input.opset} has no scales per channel: one for each tensor was used`);
  }
  for (const one of context.removed) notes.push(`${nodeTitle(one)} became the saturation of the integers before it`);
  const kept = graph.with({ graph: pruneUnused(copyMessage(graph.graph, { node })) });
  return { ...rewritten, graph: kept, report: { ...report, notes } };
}

function rewriteLayer(
  node: NodeProto,
  opType: StaticOpType,
  context: StaticContext,
  scope: Scope,
  rewriting: Rewriting,
): void {
  const { settings } = context;
  const { weight, bias } = staticLayer(node, opType, scope);
  const input = node.input[0] ?? '';
  const known = context.quantized.get(input);
  const inputParams = known ?? activationParams(rangeOf(input, context), settings);
  const output = opType === 'Conv' ? outputPlan(node, context, scope) : undefined;
  if (output !== undefined && isCarriedIntoBody(output.name, context.readers)) {
    throw new LeftInFloat('form', 'a nested graph reads its output reshaped, and the runtime ends the process on that');
  }
  const quantizedWeight = staticWeight(node, opType, weight, bias, inputParams.scale, settings);

  const read = known ?? quantizeActivation(input, rangeOf(input, context), context, scope, rewriting);
  const inputs = [read.name, addWeight(node, weight, quantizedWeight, scope, rewriting)];
  if (bias !== undefined) inputs.push(addBias(node, bias, quantizedWeight, scope, rewriting));
  if (output === undefined) {
    scope.nodes.push(copyMessage(node, { input: inputs }));
    return;
  }
  // What read the output goes on reading it under its name: it is now the dequantized one.
  const raw = rewriting.names.value(`${output.name}_QuantizeLinear_Input`);
  scope.nodes.push(copyMessage(node, { input: inputs, output: [raw] }));
  const scale = addQuantization(output.name, raw, output.name, output.range, context.settings, scope, rewriting);
  context.quantized.set(output.name, { name: output.name, scale });
  if (output.replaces !== undefined) context.removed.add(output.replaces);
}

/** Where a convolution's output is quantized: after a `Relu` or `Clip` that saturation does as well, or right away. */
function outputPlan(
  node: NodeProto,
  context: StaticContext,
  scope: Scope,
): { name: string; range: ValueRange; replaces?: NodeProto } {
  const direct = node.output[0] ?? '';
  const after = context.activations.get(direct);
  const name = after?.output[0] ?? '';
  const range = context.ranges.get(name);
  if (after !== undefined && range !== undefined && bounds(after, scope)) {
    const { scale, zeroPoint } = activationParams(range, context.settings);
    const [lowest, highest] = context.settings.activationType === 'uint8' ? [0, 255] : [-128, 127];
    const limits = bounds(after, scope);
    const within =
      limits &&
      (lowest - zeroPoint) * scale >= limits.lowest &&
      (highest - zeroPoint) * scale <= limits.highest * 1.001;
    if (within) return { name, range, replaces: after };
  }
  return { name: direct, range: rangeOf(direct, context) };
}

function rangeOf(name: string, context: StaticContext): ValueRange {
  const range = context.ranges.get(name);
  if (range === undefined) throw new LeftInFloat('uncalibrated', `calibration has no range of ${name}`);
  return range;
}

function quantizeActivation(
  name: string,
  range: ValueRange,
  context: StaticContext,
  scope: Scope,
  rewriting: Rewriting,
): { name: string; scale: number } {
  const output = rewriting.names.value(`${name}_DequantizeLinear_Output`);
  const scale = addQuantization(name, name, output, range, context.settings, scope, rewriting);
  const made = { name: output, scale };
  context.quantized.set(name, made);
  return made;
}

function addWeight(node: NodeProto, weight: Constant, made: StaticWeight, scope: Scope, rewriting: Rewriting): string {
  const key = `static ${made.key}`;
  const known = scope.weights.get(`${weight.name} ${key}`);
  if (known !== undefined) return known.quantized;
  const { names } = rewriting;
  const stored = names.value(`${weight.name}_quantized`);
  const scale = names.value(`${weight.name}_scale`);
  const zeroPoint = names.value(`${weight.name}_zero_point`);
  const shape = made.axis === null ? [] : [made.scales.length];
  const tensors = [
    makeTensor(stored, 'int8', shapeOf(weight.tensor), made.values),
    makeTensor(scale, 'float32', shape, made.scales),
    makeTensor(zeroPoint, 'int8', shape, new Int8Array(made.scales.length)),
  ];
  scope.added.push(...tensors);
  rewriting.params.add(scale);
  const output = names.value(`${weight.name}_DequantizeLinear_Output`);
  scope.nodes.push(
    makeNode('DequantizeLinear', [stored, scale, zeroPoint], [output], {
      name: names.node(`${weight.name}_DequantizeLinear`),
      ...(made.axis === null ? {} : { attributes: { axis: made.axis } }),
    }),
  );
  scope.weights.set(`${weight.name} ${key}`, { quantized: output, scale, zeroPoint });
  const granularity = made.axis === null ? 'tensor' : 'channel';
  const report = compressedWeight(weight, node, tensors, granularity, made.signalToErrorDb);
  rewriting.compressed.push({ stored, report });
  return output;
}

function addBias(node: NodeProto, bias: Constant, made: StaticWeight, scope: Scope, rewriting: Rewriting): string {
  const { names } = rewriting;
  const stored = names.value(`${bias.name}_quantized`);
  const scale = names.value(`${bias.name}_quantized_scale`);
  const shape = made.axis === null ? [] : [made.biasScales.length];
  const tensors = [
    makeTensor(stored, 'int32', shapeOf(bias.tensor), made.bias ?? new Int32Array(0)),
    makeTensor(scale, 'float32', shape, made.biasScales),
  ];
  scope.added.push(...tensors);
  rewriting.params.add(scale);
  const output = names.value(`${bias.name}_DequantizeLinear_Output`);
  scope.nodes.push(
    makeNode('DequantizeLinear', [stored, scale], [output], {
      name: names.node(`${bias.name}_DequantizeLinear`),
      ...(made.axis === null ? {} : { attributes: { axis: 0 } }),
    }),
  );
  const granularity = made.axis === null ? 'tensor' : 'channel';
  const report = compressedWeight(bias, node, tensors, granularity, made.biasSignalToErrorDb);
  rewriting.compressed.push({ stored, report });
  return output;
}
