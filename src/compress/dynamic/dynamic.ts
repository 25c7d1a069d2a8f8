import type { NodeProto } from 'onnx-buf';
import type { OnnxModel } from '../../onnx/model.js';
import { FloatScratch } from '../../onnx/tensor/tensor.js';
import { applyAlone, type Compressed, type Pass } from '../pass.js';
import type { NormalGraph } from '../rewrite/normalGraph.js';
import { type Changed, rewriteModel } from '../rewrite/rewrite.js';
import type { Scope } from '../rewrite/scope.js';
import type { DynamicContext } from './dynamicContext.js';
import { rewriteConv } from './dynamicConv.js';
import { rewriteAttention, rewriteEmbedding } from './dynamicFused.js';
import { rewriteGather } from './dynamicGather.js';
import { rewriteLstm } from './dynamicLstm.js';
import { rewriteGemm, rewriteMatMul, withConstantSecond } from './dynamicMatMul.js';
import {
  DYNAMIC_OP_TYPES,
  DYNAMIC_OPTIONS,
  type DynamicOpType,
  type DynamicSettings,
  type QuantizeDynamicOptions,
} from './dynamicOptions.js';

type Rewrite = (node: NodeProto, scope: Scope, context: DynamicContext) => void;

const REWRITES: Readonly<Record<DynamicOpType, Rewrite>> = {
  MatMul: rewriteMatMul,
  Gemm: rewriteGemm,
  LSTM: rewriteLstm,
  Conv: rewriteConv,
  Gather: rewriteGather,
  Attention: rewriteAttention,
  EmbedLayerNormalization: rewriteEmbedding,
};

/** Dynamic quantization: {@link quantizeDynamic} as a step of a recipe. */
export const DYNAMIC: Pass<'dynamic', QuantizeDynamicOptions, DynamicSettings> = {
  name: 'dynamic',
  title: 'dynamic quantization',
  description: 'weights in eight bits, activations quantized at run time; needs no calibration',
  stage: 'rest',
  options: DYNAMIC_OPTIONS,
  forms: [
    {
      choice: 'dynamic',
      opTypes: ['MatMul', 'Gemm', 'LSTM'],
      options: (nodesToQuantize) => ({ perChannel: true, nodesToQuantize }),
    },
  ],
  looksFor: ({ opTypesToQuantize }) => `constant weights of ${opTypesToQuantize.join(', ')}`,
  apply: quantizeDynamicGraph,
};

/**
 * Quantizes weights to eight bits; activations are quantized at run time. Weights, scales and zero points are those of
 * ONNX Runtime 1.31's `quantize_dynamic` on the same model and options; bodies of `If`, `Loop` and `Scan` and the
 * model's own functions are quantized too, and weights that reach their node through `Constant`, `Cast`, `Transpose` and the like.
 *
 * @param model - left as it is
 * @returns the new model and a report on each weight
 * @throws {InputError} for an unknown option, a damaged weight, or an operator set below 7
 * @example
 * const { model, report } = quantizeDynamic(await readModel('model.onnx'), { perChannel: true });
 * await writeModel(model, 'model.int8.onnx');
 */
export function quantizeDynamic(model: OnnxModel, options: QuantizeDynamicOptions = {}): Compressed {
  return applyAlone(model, DYNAMIC, options, quantizeDynamicGraph);
}

/** {@link quantizeDynamic} within a recipe. */
export function quantizeDynamicGraph(graph: NormalGraph, settings: DynamicSettings): Changed {
  return rewriteModel(graph.inOpset11(), settings, {
    name: DYNAMIC.name,
    title: DYNAMIC.title,
    opTypes: DYNAMIC_OP_TYPES,
    microsoftOpTypes: ['Attention', 'EmbedLayerNormalization'],
    // A table that a product quantizes is picked from as it is stored, whether or not tables are asked for.
    isTakenAnyway: (node, opType, scope) =>
      opType === 'Gather' && scope.shared?.storedOnce(node.input[0] ?? '') !== undefined,
    keep: withConstantSecond,
    begin(rewriting) {
      const context: DynamicContext = {
        ...rewriting,
        settings,
        scratch: new FloatScratch(),
        bytes: new Uint8Array(),
        heldBytes: 0,
      };
      return (node, opType, scope) => REWRITES[opType](node, scope, context);
    },
  });
}
