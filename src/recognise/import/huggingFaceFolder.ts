import { join } from 'node:path';
import type { TensorProto } from 'onnx-buf';
import { z } from 'zod';
import { InputError } from '../../errors.js';
import { readJson } from '../../files.js';
import { isFile } from './foreignFiles.js';
import { HuggingFaceWeights } from './huggingFaceWeights.js';
import type { ForeignModel } from './importedModel.js';
import { readSafetensors } from './safetensors.js';
import { readDecodingFacts, readWhisperConfig } from './whisperConfig.js';
import { buildWhisperDecoder } from './whisperDecoder.js';
import { buildWhisperEncoder } from './whisperEncoder.js';
import { checkShapes } from './whisperShape.js';

/**
 * Reads a folder of Hugging Face's `transformers`: `config.json`, `model.safetensors` (or its parts, by their index), and
 * `generation_config.json`.
 *
 * @throws {InputError} when it is of another architecture, cut, or its parts do not belong together
 */
export async function readHuggingFaceFolder(folder: string): Promise<ForeignModel> {
  const shape = await readWhisperConfig(join(folder, 'config.json'));
  const weights = await readWeights(folder);
  checkShapes(weights, shape);
  requireTied(weights);
  const graphs = { encoder: buildWhisperEncoder(weights, shape), decoder: buildWhisperDecoder(weights, shape) };
  return { program: 'Hugging Face', shape, graphs, layout: 'own', ...(await readDecodingFacts(folder)) };
}

async function readWeights(folder: string): Promise<HuggingFaceWeights> {
  const single = join(folder, 'model.safetensors');
  if (await isFile(single)) return new HuggingFaceWeights(single, readSafetensors(single));
  const index = join(folder, 'model.safetensors.index.json');
  const { weight_map: places } = await readJson(
    index,
    z.object({ weight_map: z.record(z.string(), z.string().regex(/^[\w.-]+\.safetensors$/)) }),
  );
  const arrays = new Map<string, TensorProto>();
  for (const part of new Set(Object.values(places))) {
    for (const [name, tensor] of readSafetensors(join(folder, part))) arrays.set(name, tensor);
  }
  return new HuggingFaceWeights(index, arrays);
}

/** Where the matrix of the last product is stored, too, it must be the table of the tokens: the graph has one for both. */
function requireTied(weights: HuggingFaceWeights): void {
  if (weights.shapeOf('proj_out.weight') === undefined) return;
  const last = weights.floatsOf('proj_out.weight');
  const table = weights.floatsOf('decoder.embed_tokens.weight');
  if (last.length === table.length && last.every((value, index) => value === table[index])) return;
  throw new InputError(
    `${weights.path}: proj_out.weight equal to model.decoder.embed_tokens.weight was required, as Whisper has them, got another; this model is not supported`,
  );
}
