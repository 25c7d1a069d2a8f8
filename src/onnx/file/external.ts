import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { TensorProto } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { describeFileError } from '../../files.js';
import { storedSizeBytes } from '../tensor/tensor.js';
import { bindSlice } from './payload.js';

/**
 * Finds a tensor's bytes in its external file (`external_data`: location, offset, length).
 *
 * @param folder - folder of the model; the file must lie in it, links resolved
 * @param modelPath - the model, for messages
 * @throws {InputError} when the file is missing, outside the folder, or too short
 */
export function bindExternal(tensor: TensorProto, folder: string, modelPath: string): void {
  const entries = new Map(tensor.externalData.map((entry) => [entry.key, entry.value]));
  const location = entries.get('location') ?? '';
  const what = `${modelPath}: external data of tensor ${tensor.name}`;
  if (location === '' || location.includes('\0')) {
    throw new InputError(
      `${what}: a file's name was required, got ${JSON.stringify(location)}; export the model again`,
    );
  }
  const path = resolve(folder, location);
  if (isAbsolute(location) || !isInside(folder, path)) {
    throw new InputError(
      `${what}: a file in the model's folder was required, got ${location}; do not load models that you do not trust`,
    );
  }
  let stat: ReturnType<typeof statSync>;
  try {
    if (!isInside(realpathSync(folder), realpathSync(path))) {
      throw new InputError(`${what}: a file in the model's folder was required, got a link out of it (${location})`);
    }
    stat = statSync(path);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw describeFileError(path, error);
  }
  if (stat === undefined || !stat.isFile()) {
    throw new InputError(`${what}: a file was required, got something else (${location})`);
  }
  const offset = integer(entries.get('offset') ?? '0', `${what}: offset`);
  const required = storedSizeBytes(tensor);
  const length = integer(entries.get('length') ?? String(required), `${what}: length`);
  if (length !== required || offset + length > stat.size) {
    throw new InputError(
      `${what}: ${required} bytes from ${offset} on were required, got ${length} of a file of ${stat.size}; restore ${location}`,
    );
  }
  bindSlice(tensor, { path, offset, length, fileSizeBytes: stat.size, modifiedMs: stat.mtimeMs, internal: false });
}

function isInside(folder: string, path: string): boolean {
  const way = relative(resolve(folder), path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function integer(text: string, what: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new InputError(`${what}: a whole number was required, got ${JSON.stringify(text)}`);
  }
  return value;
}
