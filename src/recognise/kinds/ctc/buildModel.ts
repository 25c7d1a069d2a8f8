import { buildDeepSpeech2, type DeepSpeech2Options, deepSpeech2Settings } from '../../../onnx/build/build.js';
import { writeModel } from '../../../onnx/file/write.js';
import type { ResolvedModel } from '../../model.js';
import { resolveModel } from '../../registry/registry.js';
import { writeBuiltCard } from './builtCard.js';

/**
 * Builds a Deep Speech 2 of any size with seeded random weights, and writes it with its card: to measure speed and size, which
 * do not depend on what a model has learnt.
 *
 * @param path - where to write, an `.onnx`; the card is written beside it
 * @param options - sizes, cell and seed
 * @throws {InputError} when the name does not end in `.onnx`, a size is impossible or the file cannot be written
 */
export async function buildModel(path: string, options: DeepSpeech2Options = {}): Promise<ResolvedModel> {
  const built = buildDeepSpeech2(options);
  await writeModel(built, path);
  await writeBuiltCard(built, deepSpeech2Settings(options), path);
  return await resolveModel(path);
}
