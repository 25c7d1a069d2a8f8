import type { GraphProto, ModelProto } from 'onnx-buf';
import { InputError } from '../errors.js';

/** Domain of the operators that ONNX Runtime adds to ONNX's. */
export const MICROSOFT_DOMAIN = 'com.microsoft';

/**
 * A model in memory: its messages, and the file they came from.
 *
 * Weights of more than a few kilobytes stay in their file until somebody asks for them
 * (`tensorBytes`), so that a model larger than memory can be edited and written.
 */
export interface OnnxModel {
  /** The decoded messages; `rawData` of a weight that is still in its file is empty. */
  readonly proto: ModelProto;
  /** The file, for messages; a name in angle brackets for a model that was built. */
  readonly path: string;
}

/**
 * The main graph of a model.
 *
 * @throws {InputError} when the file holds none
 */
export function mainGraph(model: OnnxModel): GraphProto {
  const { graph } = model.proto;
  if (graph === undefined) {
    throw new InputError(`${model.path}: an ONNX model with a graph was required, got none; check the file`);
  }
  return graph;
}

/**
 * Version of an operator set that the model imports.
 *
 * @param domain - `''` for ONNX's own operators (`ai.onnx` means the same)
 * @returns the version, or 0 where the model does not import the set
 */
export function opsetVersion(model: OnnxModel, domain = ''): number {
  const wanted = domain === 'ai.onnx' ? '' : domain;
  for (const entry of model.proto.opsetImport) {
    if ((entry.domain === 'ai.onnx' ? '' : entry.domain) === wanted) return Number(entry.version);
  }
  return 0;
}
