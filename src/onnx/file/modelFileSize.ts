import { stat } from 'node:fs/promises';
import { describeFileError } from '../../files.js';
import { modelTensors } from '../graph/subgraphs.js';
import type { OnnxModel } from '../model.js';
import { sliceOf } from './payload.js';

/**
 * Size of a model's file and of what it reads of external files, in bytes; what two weights share counts once.
 *
 * @param model - as read from its file
 * @throws {InputError} when the file is gone
 */
export async function modelFileSize(model: OnnxModel): Promise<number> {
  let size: number;
  try {
    size = (await stat(model.path)).size;
  } catch (error) {
    throw describeFileError(model.path, error);
  }
  return size + externalBytes(model);
}

/** Bytes that a model reads of external files. */
export function externalBytes(model: OnnxModel): number {
  const stretches = new Map<string, number>();
  for (const tensor of modelTensors(model.proto)) {
    const slice = sliceOf(tensor);
    if (slice === undefined || slice.internal) continue;
    stretches.set(JSON.stringify([slice.path, slice.offset, slice.length]), slice.length);
  }
  return [...stretches.values()].reduce((sum, length) => sum + length, 0);
}
