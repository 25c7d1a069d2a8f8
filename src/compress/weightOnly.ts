import { type OnnxModel, opsetVersion } from '../onnx/model.js';
import { raiseToOpset11 } from '../onnx/raiseOpset.js';
import type { Compressed } from './dynamic.js';
import { rewriteModel } from './rewrite.js';
import { multiplyBlocks } from './weightOnlyBlocks.js';
import { storeIntegers } from './weightOnlyIntegers.js';
import { type QuantizeWeightOnlyOptions, WEIGHT_ONLY_OP_TYPES, weightOnlySettings } from './weightOnlyOptions.js';

/** First operator set whose `DequantizeLinear` knows channels. */
const PER_AXIS_OPSET = 13;

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
  const raised = raiseToOpset11(model);
  const perAxis = opsetVersion(raised) >= PER_AXIS_OPSET && settings.perChannel;
  const { report, model: smaller } = rewriteModel(raised, settings, {
    name: 'weight-only',
    opTypes: WEIGHT_ONLY_OP_TYPES,
    nested: true,
    rewrite(node, opType, scope, rewriting) {
      if (settings.quantFormat === 'QDQ') storeIntegers(node, opType, perAxis, scope, rewriting);
      else multiplyBlocks(node, opType, settings, scope, rewriting);
    },
  });
  const notes = [...report.notes];
  if (raised !== model) notes.push(`operator set ${opsetVersion(model)} was raised to 11`);
  if (settings.quantFormat === 'QDQ' && settings.perChannel && !perAxis) {
    notes.push(`operator set ${opsetVersion(raised)} has no scales per channel: one for each tensor was used`);
  }
  return { model: smaller, report: { ...report, notes } };
}
