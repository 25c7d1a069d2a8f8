/**
 * Makes the models of the speed bench and their variants, in a folder.
 *
 *     node variants.js FOLDER NAME…
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { readModel, writeModel } from 'quantlab';
import {
  applyRecipe,
  type CalibrationOptions,
  type CalibrationPlan,
  calibrateRanges,
  type Recipe,
  type RecipeStep,
  type ValueRange,
} from 'quantlab/compress';
import { buildDeepSpeech2, type DeepSpeech2Options } from 'quantlab/onnx';
import { npyBytes, randomFeatures } from './samples.js';

/** Frames of 10 ms that every model hears: 7 s. */
export const FRAMES = 701;

/** Random utterances that the ranges of static convolutions are found on. */
const CALIBRATION_UTTERANCES = 8;

/** A model and its recipes: eight bits throughout, and fewer where it helps. */
export interface Subject {
  readonly options: DeepSpeech2Options;
  readonly bins: number;
  readonly variants: Readonly<Record<'int8' | 'below8', Recipe>>;
}

const convolutions: RecipeStep = { transform: 'static', options: { opTypesToQuantize: ['Conv'] } };
const rest: RecipeStep = { transform: 'dynamic', options: { perChannel: true } };
const nbits8: RecipeStep = { transform: 'recurrent', options: { recurrence: 'nbits8' } };
const nbits4: RecipeStep = { transform: 'recurrent', options: { recurrence: 'nbits4', blockSize: 256 } };
const lstm4: RecipeStep = {
  transform: 'recurrent',
  options: { opTypesToQuantize: ['LSTM'], recurrence: 'nbits4', blockSize: 256 },
};

function recipe(name: string, ...steps: RecipeStep[]): Recipe {
  return { schema: 'quantlab.recipe/1', name, description: '', steps };
}

/** What is measured. */
export const SUBJECTS: Readonly<Record<string, Subject>> = {
  'lstm-5x1024': {
    options: { cell: 'lstm', layers: 5, units: 1024 },
    bins: 161,
    variants: { int8: recipe('int8', convolutions, rest), below8: recipe('below8', convolutions, lstm4, rest) },
  },
  'gru-5x1024': {
    options: { cell: 'gru', layers: 5, units: 1024 },
    bins: 161,
    variants: {
      int8: recipe('int8', convolutions, nbits8, rest),
      below8: recipe('below8', convolutions, nbits4, rest),
    },
  },
  residual: {
    options: { cell: 'gru', layers: 5, units: 512, front: 'residual', bins: 128 },
    bins: 128,
    variants: {
      int8: recipe('int8', convolutions, nbits8, rest),
      below8: recipe('below8', convolutions, nbits4, rest),
    },
  },
};

/** Writes a subject's model, features and variants, those that are not there yet. */
export async function prepareSubject(folder: string, name: string, subject: Subject): Promise<void> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${name}.onnx`);
  if (!existsSync(path)) await writeModel(buildDeepSpeech2(subject.options), path);
  const features = npyBytes(randomFeatures(FRAMES, subject.bins, 1000), [1, FRAMES, subject.bins]);
  await writeFile(join(folder, `${name}.npy`), features);
  for (const [variant, steps] of Object.entries(subject.variants)) {
    const target = join(folder, `${name}.${variant}.onnx`);
    const recipePath = join(folder, `${name}.${variant}.recipe.json`);
    const text = JSON.stringify(steps);
    if (existsSync(target) && existsSync(recipePath) && (await readFile(recipePath, 'utf8')) === text) continue;
    const calibrate = (plan: CalibrationPlan, options: CalibrationOptions): Promise<ReadonlyMap<string, ValueRange>> =>
      calibrateOnRandom(plan, options, subject.bins, join(folder, `${name}.calibration.onnx`));
    const { model } = await applyRecipe(await readModel(path), steps, { calibrate });
    await writeModel(model, target);
    await writeFile(recipePath, text);
  }
}

async function calibrateOnRandom(
  plan: CalibrationPlan,
  options: CalibrationOptions,
  bins: number,
  path: string,
): Promise<ReadonlyMap<string, ValueRange>> {
  await writeModel(plan.model, path);
  const session = await InferenceSession.create(path, { logSeverityLevel: 3 });
  async function* samples(): AsyncGenerator<Record<string, Float32Array>> {
    for (let seed = 1; seed <= CALIBRATION_UTTERANCES; seed++) {
      const features = new Tensor('float32', randomFeatures(FRAMES, bins, seed), [1, FRAMES, bins]);
      const lengths = new Tensor('int64', BigInt64Array.of(BigInt(FRAMES)), [1]);
      const answers = await session.run({ features, lengths }, [...plan.tensors]);
      yield Object.fromEntries(plan.tensors.map((name) => [name, answers[name]?.data as Float32Array]));
    }
  }
  try {
    return await calibrateRanges(plan.tensors, samples(), options);
  } finally {
    await session.release();
    await rm(path, { force: true });
  }
}

/** Size of a file in megabytes. */
export async function sizeMb(path: string): Promise<number> {
  return (await stat(path)).size / 1e6;
}
