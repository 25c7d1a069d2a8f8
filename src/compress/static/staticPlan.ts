import { create } from '@bufbuild/protobuf';
import {
  type NodeProto,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { copyModel } from '../../onnx/graph/copy.js';
import { isOp } from '../../onnx/graph/node.js';
import { ranksOf } from '../../onnx/graph/ranks.js';
import type { OnnxModel } from '../../onnx/model.js';
import { DTYPE_CODE } from '../../onnx/tensor/dtype.js';
import { type CalibrationPlan, settingsOf } from '../pass.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import { NormalGraph } from '../rewrite/normalGraph.js';
import type { Scope } from '../rewrite/scope.js';
import { foldBatchNorm } from './foldBatchNorm.js';
import { staticLayer } from './staticLayer.js';
import {
  type QuantizeStaticOptions,
  STATIC_OPTIONS,
  type StaticOpType,
  type StaticSettings,
  staticSettings,
} from './staticOptions.js';

/**
 * Lists the activations that static quantization needs the ranges of, and makes a model that shows them.
 *
 * @param model - left as it is
 * @param options - those that {@link quantizeStatic} will be given
 * @throws {InputError} for an unknown option, or an operator set that cannot do it
 */
export function planCalibration(model: OnnxModel, options: QuantizeStaticOptions = {}): CalibrationPlan {
  const graph = NormalGraph.enter(model).inOpset11();
  const settings = staticSettings(settingsOf({ options: STATIC_OPTIONS }, options), graph.opset);
  return planOf(foldBatchNorm(graph).graph, settings);
}

/** {@link planCalibration} of a graph whose normalisations are folded. */
export function planOf(folded: NormalGraph, settings: StaticSettings): CalibrationPlan {
  const { graph } = folded;
  const tensors = new Set<string>();
  const activations = activationsAfter(folded);
  for (const node of graph.node) {
    const { nodesToExclude, nodesToQuantize, opTypesToQuantize } = settings;
    const opType = opTypesToQuantize.find((type: StaticOpType) => isOp(node, type));
    const named = nodesToQuantize.length === 0 || nodesToQuantize.includes(node.name);
    if (opType === undefined || !named || nodesToExclude.includes(node.name)) continue;
    if (!canBeStatic(node, opType, folded.constants)) continue;
    tensors.add(node.input[0] ?? '');
    if (opType !== 'Conv') continue;
    tensors.add(node.output[0] ?? '');
    const after = activations.get(node.output[0] ?? '');
    if (after !== undefined) tensors.add(after.output[0] ?? '');
  }
  const ranks = ranksOf(graph);
  const added = [...tensors].filter((name) => !folded.isOutput(name)).map((name) => floatValue(name, ranks.get(name)));
  return { tensors: [...tensors], model: copyModel(folded.model, { output: [...graph.output, ...added] }) };
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
export function activationsAfter(graph: NormalGraph): Map<string, NodeProto> {
  const after = new Map<string, NodeProto>();
  for (const [name, readers] of graph.users) {
    const [only] = readers;
    if (only === undefined || readers.length > 1 || graph.isOutput(name) || only.input[0] !== name) continue;
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
