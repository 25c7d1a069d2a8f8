import type { Message } from '@bufbuild/protobuf';
import type { GraphProto } from 'onnx-buf';
import { mainGraph, type OnnxModel } from './model.js';

/**
 * A shallow copy of a message, its unknown fields kept; lists are copied, what is in them is shared.
 * A tensor's copy loses the way to its file ({@link bindSlice}): tensors are replaced, never changed.
 */
export function copyMessage<M extends Message>(message: M, changes: Partial<M> = {}): M {
  const copy = Object.create(Object.getPrototypeOf(message) as object) as Record<string, unknown>;
  for (const [key, value] of Object.entries(message)) copy[key] = Array.isArray(value) ? [...value] : value;
  return Object.assign(copy, changes) as unknown as M;
}

/** A model whose lists (nodes, initializers, inputs, …) can be changed without changing the original's. */
export function copyModel(model: OnnxModel, graphChanges: Partial<GraphProto> = {}): OnnxModel {
  const graph = copyMessage(mainGraph(model), graphChanges);
  return { proto: copyMessage(model.proto, { graph }), path: model.path };
}
