/**
 * Making model graphs smaller: recipes, each quantizer by itself, the layers they work on, and the number formats behind them.
 *
 * @example
 * ```ts
 * import { applyRecipe, PRESETS } from 'quantlab/compress';
 * import { buildDeepSpeech2, modelToBytes } from 'quantlab/onnx';
 *
 * const float = buildDeepSpeech2({ layers: 1, units: 64 });
 * const { model, report } = await applyRecipe(float, PRESETS.dynamic);
 * const [before, after] = [await modelToBytes(float), await modelToBytes(model)];
 * console.log(report.compressed.length > 0, after.length < 0.5 * before.length); // true true
 * ```
 *
 * @module quantlab/compress
 */

export { applyRecipe } from '../compress/applyRecipe.js';
export type { CalibrationMethod, CalibrationOptions } from '../compress/calibrators/observer.js';
export type { ValueRange } from '../compress/calibrators/range.js';
export { type Layer, type LayerChoice, type LayerChoices, layersOf } from '../compress/choose/layers.js';
export { type LayerWeights, layerWeights } from '../compress/choose/layerWeights.js';
export { quantizeDynamic } from '../compress/dynamic/dynamic.js';
export type { DynamicOpType, QuantizeDynamicOptions } from '../compress/dynamic/dynamicOptions.js';
export { type CodedTensor, type CodingReport, entropyCode } from '../compress/entropyCode.js';
export { convertToHalf, HALF_BLOCK_LIST, type HalfOptions } from '../compress/half/float16.js';
export {
  FACTORED_OP_TYPES,
  type FactoredOpType,
  factorWeights,
  type LowRankOptions,
} from '../compress/lowRank/lowRank.js';
export type { AffineFormat } from '../compress/numbers/affine.js';
export { formatNameOf, type NumberFormat } from '../compress/numbers/anyFormat.js';
export {
  affineFormatFor,
  type FormatFit,
  fitFormat,
  fixedFormatFor,
  integerSignalToErrorDb,
} from '../compress/numbers/fit.js';
export { type FixedFormat, fixedFormat } from '../compress/numbers/fixedPoint.js';
export { BFLOAT16, FLOAT16, FLOAT32, type FloatFormat, floatRange } from '../compress/numbers/floating.js';
export { type RelativeError, relativeErrors } from '../compress/numbers/relativeError.js';
export type {
  CalibrationPlan,
  CalibrationSample,
  Compressed,
  Pass,
  RecipeResources,
  SampleRunner,
} from '../compress/pass.js';
export { PASSES } from '../compress/passes.js';
export { type PruneUnitsOptions, pruneUnits } from '../compress/prune/pruneUnits.js';
export { PRUNED_OP_TYPES, type PrunedOpType, type PruneOptions, pruneWeights } from '../compress/prune/pruneWeights.js';
export { UNIT_OP_TYPES, type UnitOpType } from '../compress/prune/unitLayers.js';
export {
  PRESET_NAMES,
  PRESETS,
  type PresetName,
  RECIPE_NAMES,
  type Recipe,
  type RecipeStep,
  readRecipe,
  writeRecipe,
} from '../compress/recipe.js';
export { quantizeRecurrent } from '../compress/recurrent/recurrent.js';
export type { QuantizeRecurrentOptions } from '../compress/recurrent/recurrentOptions.js';
export type { WeightType } from '../compress/rewrite/params.js';
export type { CompressedWeight, CompressionReport, LeftCause, LeftWeight } from '../compress/rewrite/report.js';
export { signalToErrorDb } from '../compress/rewrite/signalToError.js';
export { calibrateRanges } from '../compress/static/calibrate.js';
export { quantizeStatic } from '../compress/static/static.js';
export type { QuantizeStaticOptions, StaticOpType } from '../compress/static/staticOptions.js';
export { planCalibration } from '../compress/static/staticPlan.js';
export { quantizeWeightOnly } from '../compress/weightOnly/weightOnly.js';
export type { QuantizeWeightOnlyOptions } from '../compress/weightOnly/weightOnlyOptions.js';
