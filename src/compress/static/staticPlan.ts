import { create } from '@bufbuild/protobuf';
import {
  type NodeProto,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { copyModel } from '../../onnx/graph/copy.js';
import { consumersOf } from '../../onnx/graph/graph.js';
import { isOp } from '../../onnx/graph/node.js';
import { ranksOf } from '../../onnx/graph/ranks.js';
import { mainGraph, type OnnxModel, opsetVersion } from '../../onnx/model.js';
import { DTYPE_CODE } from '../../onnx/tensor/dtype.js';
import { LeftInFloat } from '../dynamic/dynamicContext.js';
import { prepare } from '../rewrite/prepare.js';
import { Scope } from '../rewrite/scope.js';
import { foldBatchNorm } from './foldBatchNorm.js';
import { staticLayer } from './staticLayer.js';
import { type QuantizeStaticOptions, type StaticOpType, staticSettings } from './staticOptions.js';

/**
 * Lowest operator set of quantized models. `QuantizeLinear` is in 10; but where a bias is added to a quantized product,
 * ONNX Runtime rounds it by the `Round` of 11, and refuses the model when it is of 10.
 */
export const LOWEST_STATIC_OPSET = 11;

/** What calibration has to watch. */
export interface CalibrationPlan {
  /** Activations whose ranges {@link quantizeStatic} asks for, in the order of the graph. */
  readonly tensors: readonly string[];
  /** The model in normal form, normalisations folded, with those activations among its outputs. */
  readonly model: OnnxModel;
}

/**
 * Lists the activations that static quantization needs the ranges of, and makes a model that shows them.
 *
 * @param model - left as it is
 * @param options - those that {@link quantizeStatic} will be given
 * @throws {InputError} for an unknown option, or an operator set that cannot do it
 */
export function planCalibration(model: OnnxModel, options: QuantizeStaticOptions = {}): CalibrationPlan {
  const { model: prepared } = prepare(model, { lowestOpset: LOWEST_STATIC_OPSET });
  const settings = staticSettings(options, opsetVersion(prepared));
  const folded = foldBatchNorm(prepared).model;
  const graph = mainGraph(folded);
  const scope = new Scope(graph, null);
  const tensors = new Set<string>();
  const activations = activationsAfter(folded);
  for (const node of graph.node) {
    const { nodesToExclude, nodesToQuantize, opTypesToQuantize } = settings;
    const opType = opTypesToQuantize.find((type: StaticOpType) => isOp(node, type));
    const named = nodesToQuantize.length === 0 || nodesToQuantize.includes(node.name);
    if (opType === undefined || !named || nodesToExclude.includes(node.name)) continue;
    if (!canBeStatic(node, opType, scope)) continue;
    tensors.add(node.input[0] ?? '');
    if (opType !== 'Conv') continue;
    tensors.add(node.output[0] ?? '');
    const after = activations.get(node.output[0] ?? '');
    if (after !== undefined) tensors.add(after.output[0] ?? '');
  }
  const shown = new Set(graph.output.map((output) => output.name));
  const ranks = ranksOf(graph);
  const added = [...tensors].filter((name) => !shown.has(name)).map((name) => floatValue(name, ranks.get(name)));
  return { tensors: [...tensors], model: copyModel(folded, { output: [...graph.output, ...added] }) };
}

/** Whether a layer will be quantized: the values of others may be of any type, and are not to be watched. */
function canBeStatic(node: NodeProto, opType: StaticOpType, scope: Scope): boolean {
  try {
    staticLayer(node, opType, scope);
    return true;
  } catch (error) {
    if (!(error instanceof LeftInFloat)) throw error;
    return false;
  }
}

/** For each value that one `Relu` or `Clip` alone reads: that node. Quantizing its output can do its work. */
export function activationsAfter(model: OnnxModel): Map<string, NodeProto> {
  const graph = mainGraph(model);
  const outputs = new Set(graph.output.map((output) => output.name));
  const after = new Map<string, NodeProto>();
  for (const [name, readers] of consumersOf(graph)) {
    const [only] = readers;
    if (only === undefined || readers.length > 1 || outputs.has(name) || only.input[0] !== name) continue;
    if (isOp(only, 'Relu') || isOp(only, 'Clip')) after.set(name, only);
  }
  return after;
}

/** A float32 value to show among outputs, of any shape with as many axes as are said; of any at all where none are. */
export function floatValue(name: string, rank?: number): ValueInfoProto {
  const shape = rank === undefined ? {} : { shape: { dim: Array.from({ length: rank }, () => ({})) } };
  const tensorType = create(TypeProto_TensorSchema, { elemType: DTYPE_CODE.float32, ...shape });
  const type = create(TypeProtoSchema, { value: { case: 'tensorType', value: tensorType } });
  return create(ValueInfoProtoSchema, { name, type });
}
