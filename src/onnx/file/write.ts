import { basename, dirname, join } from 'node:path';
import { writeFileAtomic } from '../../files.js';
import type { OnnxModel } from '../model.js';
import { modelParts } from './messageParts.js';
import { externalChunks, placeTensors } from './placeTensors.js';

/** Weights together that stay in the model's own file: 2 GB is the limit of a message, and nodes need room, too. */
const LIMIT_BYTES = 2e9;

/**
 * Writes a model as a whole or not at all. Weights that are still in a file are copied one at a time.
 *
 * Fields stand in the order of their numbers, as every Protocol Buffers library writes them, unknown ones last:
 * a model that is read and written unchanged gives the same bytes.
 *
 * Weights that came from external files are taken in; where the model would pass 2 GB, which the format does not
 * allow, the large ones go to `<path>.data` instead.
 *
 * @param path - file to write
 * @param options - `limitBytes`: largest sum of weights in the file itself. Default 2,000,000,000.
 * @throws {UnavailableError} when the place cannot be written or the disk is full
 */
export async function writeModel(
  model: OnnxModel,
  path: string,
  options: { readonly limitBytes?: number } = {},
): Promise<void> {
  const location = `${basename(path)}.data`;
  const placed = placeTensors(model, location, options.limitBytes ?? LIMIT_BYTES);
  if (placed.external.length > 0) {
    await writeFileAtomic(join(dirname(path), location), externalChunks(placed.external));
  }
  await writeFileAtomic(path, modelChunks(placed.model));
}

/** The bytes of a model's file, all weights in it. */
export function modelToBytes(model: OnnxModel): Uint8Array {
  const parts = modelParts(placeTensors(model, '', Number.POSITIVE_INFINITY).model.proto);
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part.bytes(), at);
    at += part.length;
  }
  return whole;
}

/** The bytes of a model's file, one piece after another: a weight is in memory only while its piece is used. */
function* modelChunks(model: OnnxModel): Generator<Uint8Array> {
  for (const part of modelParts(model.proto)) if (part.length > 0) yield part.bytes();
}
