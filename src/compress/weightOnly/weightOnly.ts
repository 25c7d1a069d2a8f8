import { InputError } from '../../errors.js';
import { type OnnxModel, opsetVersion } from '../../onnx/model.js';
import type { Compressed } from '../dynamic/dynamic.js';
import { prepare } from '../rewrite/prepare.js';
import { rewriteModel } from '../rewrite/rewrite.js';
import { multiplyBlocks } from './weightOnlyBlocks.js';
import { storeIntegers } from './weightOnlyIntegers.js';
import { type QuantizeWeightOnlyOptions, WEIGHT_ONLY_OP_TYPES, weightOnlySettings } from './weightOnlyOptions.js';

/** First operator set whose `Add` and `Mul` spread their operands; what is later is left as it is. */
const LOWEST_OPSET = 7;

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
  const settings = weightOnlySettings(options);
  const from = opsetVersion(model);
  if (from < LOWEST_OPSET) {
    throw new InputError(
      `${model.path}: operator set ${LOWEST_OPSET} or later was required, got ${from}; export the model with a later one`,
    );
  }
  return rewriteModel(prepare(model), settings, {
    name: 'weight-only',
    title: 'weight-only quantization',
    opTypes: WEIGHT_ONLY_OP_TYPES,
    nested: true,
    rewrite(node, opType, scope, rewriting) {
      if (settings.quantFormat === 'QDQ') storeIntegers(node, opType, settings.perChannel, scope, rewriting);
      else multiplyBlocks(node, opType, settings, scope, rewriting);
    },
  });
}
