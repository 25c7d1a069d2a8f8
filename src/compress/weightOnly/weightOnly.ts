import { InputError } from '../../errors.js';
import type { OnnxModel } from '../../onnx/model.js';
import { applyAlone, type Compressed, type Pass } from '../pass.js';
import type { NormalGraph } from '../rewrite/normalGraph.js';
import { type Changed, rewriteModel } from '../rewrite/rewrite.js';
import { multiplyBlocks } from './weightOnlyBlocks.js';
import { gatherBlocks } from './weightOnlyGather.js';
import { storeIntegers } from './weightOnlyIntegers.js';
import {
  type QuantizeWeightOnlyOptions,
  WEIGHT_ONLY_OP_TYPES,
  WEIGHT_ONLY_OPTIONS,
  type WeightOnlyGiven,
  weightOnlySettings,
} from './weightOnlyOptions.js';

/** First operator set whose `Add` and `Mul` spread their operands; what is later is left as it is. */
const LOWEST_OPSET = 7;

/** Options of the form that multiplies integers, block by block. */
const blocks = (bits: 4 | 8): ((nodes: readonly string[]) => QuantizeWeightOnlyOptions) => {
  return (nodesToQuantize) => ({ quantFormat: 'QOperator', bits, accuracyLevel: 4, nodesToQuantize });
};

/** Weight-only quantization: {@link quantizeWeightOnly} as a step of a recipe. */
export const WEIGHT_ONLY: Pass<'weight-only', QuantizeWeightOnlyOptions, WeightOnlyGiven> = {
  name: 'weight-only',
  title: 'weight-only quantization',
  description: 'weights stored in 8 or 4 bits, arithmetic in float; needs no calibration',
  stage: 'layer',
  options: WEIGHT_ONLY_OPTIONS,
  forms: [
    { choice: 'nbits8', opTypes: ['MatMul', 'Gemm'], options: blocks(8) },
    { choice: 'nbits4', opTypes: ['MatMul', 'Gemm'], options: blocks(4) },
  ],
  looksFor: (given) => `constant weights of ${weightOnlySettings(given).opTypesToQuantize.join(', ')}`,
  apply: quantize,
};

/**
 * Stores weights in fewer bits and computes in float as before: the file shrinks, and the error is that of the weights alone.
 *
 * @param model - left as it is
 * @returns the new model and a report on each weight
 * @throws {InputError} for an option that is unknown or that the format does not have
 * @example
 * const { model } = quantizeWeightOnly(await readModel('model.onnx'), { bits: 4, blockSize: 32 });
 */
export function quantizeWeightOnly(model: OnnxModel, options: QuantizeWeightOnlyOptions = {}): Compressed {
  return applyAlone(model, WEIGHT_ONLY, options, quantize);
}

function quantize(graph: NormalGraph, given: WeightOnlyGiven): Changed {
  const settings = weightOnlySettings(given);
  if (graph.opset < LOWEST_OPSET) {
    throw new InputError(
      `operator set ${LOWEST_OPSET} or later was required, got ${graph.opset}; export the model with a later one`,
    );
  }
  return rewriteModel(graph, settings, {
    name: WEIGHT_ONLY.name,
    title: WEIGHT_ONLY.title,
    opTypes: WEIGHT_ONLY_OP_TYPES,
    // A table that a product reads in blocks is picked from as it is stored.
    isTakenAnyway: (node, opType, scope) =>
      settings.quantFormat === 'QOperator' &&
      opType === 'Gather' &&
      scope.shared?.storedOnce(node.input[0] ?? '') !== undefined,
    begin: (rewriting) => (node, opType, scope) => {
      if (settings.quantFormat === 'QDQ') storeIntegers(node, opType, settings.perChannel, scope, rewriting);
      else if (opType === 'Gather') gatherBlocks(node, settings, scope, rewriting);
      else multiplyBlocks(node, opType, settings, scope, rewriting);
    },
  });
}
