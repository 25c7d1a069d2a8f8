import type { NodeProto } from 'onnx-buf';
import { copyMessage } from '../../onnx/graph/copy.js';
import { consumersOf } from '../../onnx/graph/graph.js';
import { makeNode, nodeTitle } from '../../onnx/graph/node.js';
import { pruneUnused } from '../../onnx/graph/prune.js';
import { mainGraph, type OnnxModel, opsetVersion } from '../../onnx/model.js';
import { makeTensor, shapeOf } from '../../onnx/tensor/tensor.js';
import type { ValueRange } from '../calibrators/range.js';
import type { Compressed } from '../dynamic/dynamic.js';
import { LeftInFloat } from '../dynamic/dynamicContext.js';
import { prepare } from '../rewrite/prepare.js';
import { compressedWeight, type Rewriting, rewriteModel } from '../rewrite/rewrite.js';
import type { Constant, Scope } from '../rewrite/scope.js';
import { isCarriedIntoBody } from './carriedIntoBody.js';
import { foldBatchNorm } from './foldBatchNorm.js';
import { activationParams, addQuantization, bounds } from './staticActivation.js';
import { staticLayer } from './staticLayer.js';
import {
  PER_CHANNEL_OPSET,
  type QuantizeStaticOptions,
  STATIC_OP_TYPES,
  type StaticOpType,
  type StaticSettings,
  staticSettings,
} from './staticOptions.js';
import { activationsAfter, LOWEST_STATIC_OPSET } from './staticPlan.js';
import { type StaticWeight, staticWeight } from './staticWeight.js';

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
  const prepared = prepare(model, { lowestOpset: LOWEST_STATIC_OPSET });
  const settings = staticSettings(options, opsetVersion(prepared.model));
  const { model: folded, folded: normalisations } = foldBatchNorm(prepared.model);
  const context: StaticContext = {
    settings,
    ranges,
    activations: activationsAfter(folded),
    readers: consumersOf(mainGraph(folded)),
    quantized: new Map(),
    removed: new Set(),
  };
  const {
    model: rewritten,
    report,
    params,
  } = rewriteModel({ ...prepared, model: folded }, settings, {
    name: 'static',
    title: 'static quantization',
    opTypes: STATIC_OP_TYPES,
    nested: false,
    start: () => {
      context.quantized.clear();
      context.removed.clear();
    },
    rewrite: (node, opType, scope, rewriting) => rewriteLayer(node, opType, context, scope, rewriting),
  });
  const graph = mainGraph(rewritten);
  const node = graph.node.filter((one) => !context.removed.has(one));
  const notes = normalisations.map((title) => `${title} was folded into the layer before it`);
  const opset = opsetVersion(prepared.model);
  if (opset < PER_CHANNEL_OPSET && report.compressed.length > 0 && options.perChannel !== false) {
    notes.push(`operator set ${opset} has no scales per channel: one for each tensor was used`);
  }
  for (const one of context.removed) notes.push(`${nodeTitle(one)} became the saturation of the integers before it`);
  const proto = copyMessage(rewritten.proto, { graph: pruneUnused(copyMessage(graph, { node })) });
  const full = { ...report, notes: [...report.notes, ...notes] };
  return { model: { proto, path: model.path }, report: full, ...(params && { params }) };
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
    throw new LeftInFloat('a nested graph reads its output reshaped, and the runtime ends the process on that');
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
  if (range === undefined) throw new LeftInFloat(`calibration has no range of ${name}`);
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
  rewriting.compressed.push(compressedWeight(weight, node, tensors, granularity, made.signalToErrorDb));
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
  rewriting.compressed.push(compressedWeight(bias, node, tensors, granularity, made.biasSignalToErrorDb));
  return output;
}
