/** Applies a recipe to a random graph and says in words what is wrong with the result. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyRecipe } from '../../src/compress/applyRecipe.js';
import type { RecipeResources } from '../../src/compress/pass.js';
import { PRESETS, type RecipeStep } from '../../src/compress/recipe.js';
import { signalToErrorDb } from '../../src/compress/rewrite/signalToError.js';
import { calibrateRanges } from '../../src/compress/static/calibrate.js';
import { InputError } from '../../src/errors.js';
import { modelFromBytes, readModel } from '../../src/onnx/file/read.js';
import { modelToBytes, writeModel } from '../../src/onnx/file/write.js';
import { modelTensors } from '../../src/onnx/graph/subgraphs.js';
import type { OnnxModel } from '../../src/onnx/model.js';
import { simplifyModel } from '../../src/onnx/normalForm/simplify.js';
import { storedSizeBytes } from '../../src/onnx/tensor/tensor.js';
import { buildRandomGraph, type DrawnGraph, FEEDS, isEndless, isOdd, MANY_FEEDS } from './randomGraph.js';
import { runModel, samplesOf } from './runModel.js';
import { faultsOf } from './validModel.js';

/** The recipes tried, and the least signal to error in decibels that each leaves of a graph of ordinary weights. */
export const TRIED: Readonly<Record<string, readonly [floorDb: number, steps: readonly RecipeStep[] | null]>> = {
  // null: the normal form alone. The runtime multiplies by a stored weight in another order than by a computed one.
  simplify: [120, null],
  dynamic: [5, PRESETS.dynamic.steps],
  'dynamic-per-channel': [
    5,
    [
      {
        transform: 'dynamic',
        options: { perChannel: true, opTypesToQuantize: ['MatMul', 'Gemm', 'LSTM', 'Gather', 'Conv'] },
      },
    ],
  ],
  static: [5, PRESETS.static.steps],
  'static-uint8': [
    5,
    [
      {
        transform: 'static',
        options: { activationType: 'uint8', perChannel: false },
        calibration: { method: 'percentile' },
      },
    ],
  ],
  hybrid: [5, PRESETS.hybrid.steps],
  'weight-only': [15, PRESETS['weight-only'].steps],
  'weight-only-4': [0, [{ transform: 'weight-only', options: { bits: 4, blockSize: 16 } }]],
  float16: [20, PRESETS.float16.steps],
  bfloat16: [15, [{ transform: 'half', options: { format: 'bfloat16', weightsOnly: true } }]],
  'float16-weights': [20, [{ transform: 'half', options: { weightsOnly: true } }]],
  prune: [Number.NEGATIVE_INFINITY, [{ transform: 'prune', options: { sparsity: 0.3 } }]],
  'prune-pattern': [Number.NEGATIVE_INFINITY, [{ transform: 'prune', options: { pattern: '1:4' } }]],
  'prune-calibrated': [
    Number.NEGATIVE_INFINITY,
    [{ transform: 'prune', options: { sparsity: 0.3, scope: 'model', calibrated: true } }],
  ],
  'prune-units': [Number.NEGATIVE_INFINITY, [{ transform: 'prune-units', options: { share: 0.3 } }]],
  'prune-units-calibrated': [
    Number.NEGATIVE_INFINITY,
    [{ transform: 'prune-units', options: { share: 0.3, calibrated: true } }],
  ],
  'low-rank': [Number.NEGATIVE_INFINITY, [{ transform: 'low-rank', options: { rank: 4 } }]],
  'low-rank-calibrated': [
    Number.NEGATIVE_INFINITY,
    [{ transform: 'low-rank', options: { bytes: 0.5, calibrated: true } }],
  ],
  recurrent: [5, [{ transform: 'recurrent', options: { opTypesToQuantize: ['LSTM', 'GRU', 'RNN'] } }]],
  'recurrent-float': [
    60,
    [
      {
        transform: 'recurrent',
        options: { opTypesToQuantize: ['LSTM', 'GRU', 'RNN'], projection: 'float', recurrence: 'float' },
      },
    ],
  ],
  'prune-dynamic': [
    Number.NEGATIVE_INFINITY,
    [{ transform: 'prune', options: { sparsity: 0.3 } }, { transform: 'dynamic' }],
  ],
};

/** Bytes that scales, shapes and limits of the smallest weights may add. */
const SPARE_BYTES = 512;

/** Calibration on what is fed to the random graphs. */
const resources: RecipeResources = {
  async calibrate(plan, options) {
    const outputs = await runModel(plan.model, FEEDS);
    const sample = Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]));
    return await calibrateRanges(plan.tensors, [{ x: FEEDS['x']?.data as Float32Array, ...sample }], options, 'leave');
  },
  samples: samplesOf([MANY_FEEDS]),
};

/** What is wrong with what a recipe makes of a graph; nothing where all is well. */
export async function tryRecipe(drawn: DrawnGraph, recipe: string): Promise<string[]> {
  const [floorDb, steps] = TRIED[recipe] ?? [0, []];
  const folder = await mkdtemp(join(tmpdir(), 'quantlab-fuzz-'));
  try {
    const built = buildRandomGraph(drawn);
    let original = modelFromBytes(modelToBytes(built), 'random.onnx');
    if (drawn.external) {
      // Each weight of a kilobyte stands in a second file.
      await writeModel(original, join(folder, 'random.onnx'), { limitBytes: 1 });
      original = await readModel(join(folder, 'random.onnx'));
    }
    const before = modelToBytes(original);
    // Equal answers are asked for without the runtime's own rewriting, which meets another graph.
    const chosen = steps === null ? ({ graphOptimizationLevel: 'disabled' } as const) : {};
    const reference = await answer(buildRandomGraph({ ...drawn, unsorted: 0 }), chosen);
    let made: OnnxModel;
    try {
      made =
        steps === null
          ? simplifyModel(original).model
          : (
              await applyRecipe(
                original,
                { schema: 'quantlab.recipe/1', name: recipe, description: '', steps },
                resources,
              )
            ).model;
    } catch (error) {
      // What an old operator set cannot do is refused by name.
      if (error instanceof InputError && /operator set/.test(error.message) && drawn.opset < 13) return [];
      return [
        `${error instanceof InputError ? 'refused' : 'crashed'}: ${error instanceof Error ? error.message : error}`,
      ];
    }
    const after = modelToBytes(made);
    const faults: string[] = made === original ? [] : faultsOf(modelFromBytes(after, 'made.onnx'));
    if (Buffer.compare(modelToBytes(original), before) !== 0) faults.push('the original was changed');
    const added = weightBytes(made) - weightBytes(original);
    // A layer written out in float has states and constants of its own.
    if (added > SPARE_BYTES && recipe !== 'recurrent-float') faults.push(`${added} bytes of weights more`);
    let answered: Float32Array;
    try {
      answered = await answer(made, chosen);
    } catch (error) {
      return [...faults, `does not load or run: ${error instanceof Error ? error.message : error}`];
    }
    if (answered.length !== reference.length) faults.push(`${answered.length} numbers instead of ${reference.length}`);
    // After the first NaN or infinity an integer operator may answer anything.
    if (steps !== null && (isEndless(drawn) || !reference.every(Number.isFinite))) return faults;
    if (!answered.every(Number.isFinite) && steps !== null) faults.push('answers are not finite');
    const decibels = signalToErrorDb(reference, answered);
    const loud = reference.some((value) => Math.abs(value) > 1e-3);
    if (decibels < floorDb && (steps === null || (loud && !isOdd(drawn)))) faults.push(`${decibels.toFixed(1)} dB`);
    return faults;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Bytes of weights, scales and zero points. */
function weightBytes(model: OnnxModel): number {
  let bytes = 0;
  for (const tensor of modelTensors(model.proto)) bytes += storedSizeBytes(tensor);
  return bytes;
}

async function answer(model: OnnxModel, chosen: Parameters<typeof runModel>[2]): Promise<Float32Array> {
  return (await runModel(model, FEEDS, chosen))['y']?.data ?? new Float32Array();
}
