import type { Message } from '@bufbuild/protobuf';
import type { GraphProto } from 'onnx-buf';
import { mainGraph, type OnnxModel } from '../model.js';

/**
 * A shallow copy of a message, its unknown fields kept; lists are copied, what is in them is shared.
 * A tensor's copy loses the way to its file ({@link bindSlice}): tensors are replaced, never changed.
 *
 * @param without - fields that the copy does not have: one that is there, but empty, is written
 */
export function copyMessage<M extends Message>(
  message: M,
  changes: Partial<M> = {},
  without: readonly (keyof M & string)[] = [],
): M {
  const copy = Object.create(Object.getPrototypeOf(message) as object) as Record<string, unknown>;
  for (const [key, value] of Object.entries(message)) copy[key] = Array.isArray(value) ? [...value] : value;
  for (const field of without) delete copy[field];
  return Object.assign(copy, changes) as unknown as M;
}

/** A model whose lists (nodes, initializers, inputs, …) can be changed without changing the original's. */
export function copyModel(model: OnnxModel, graphChanges: Partial<GraphProto> = {}): OnnxModel {
  const graph = copyMessage(mainGraph(model), graphChanges);
  return { proto: copyMessage(model.proto, { graph }), path: model.path };
}
