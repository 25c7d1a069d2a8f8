import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema, TensorProto_DataLocation } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { describeFileError } from '../../files.js';
import { modelTensors, nestingDepth } from '../graph/subgraphs.js';
import type { OnnxModel } from '../model.js';
import { bindCodes } from './codedTensor.js';
import { bindExternal } from './external.js';
import { bindSlice, type FileSlice } from './payload.js';
import { checkStoredData } from './storedData.js';
import { type ByteSource, lengthDelimited, varint, WireError, type WireField, wireFields } from './wire.js';

/** Field numbers of onnx.proto that the reader looks at. */
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_RAW_DATA = 9;

/** Weights from this size on stay in their file, in bytes. */
const LAZY_FROM_BYTES = 4096;

/** Graphs in graphs beyond this are no model that somebody exported. */
const DEEPEST_NESTING = 64;

/** How much of the file is read at a time, in bytes. */
const WINDOW_BYTES = 1 << 18;

/**
 * Opens an ONNX file, coded by `quantlab code` or plain. The messages are decoded; weights stay in the file until they are asked for.
 *
 * @param path - the `.onnx` file; weights in external files are found relative to its folder
 * @throws {InputError} when it is missing, cut, no ONNX model, has a weight with more or less data than its shape asks
 * for, or names external data outside its folder
 */
export async function readModel(path: string): Promise<OnnxModel> {
  let file: number;
  try {
    // Before it is opened: opening a pipe would wait for somebody to write into it.
    if (!statSync(path).isFile()) {
      throw new InputError(`${path}: a file was required, got a folder, a pipe or a device; name an .onnx file`);
    }
    file = openSync(path, 'r');
  } catch (error) {
    throw error instanceof InputError ? error : describeFileError(path, error);
  }
  try {
    const { size, mtimeMs } = fstatSync(file);
    if (size === 0) throw new InputError(`${path}: an ONNX model was required, got an empty file; restore it`);
    const about = { path, fileSizeBytes: size, modifiedMs: mtimeMs, internal: true };
    const { skeleton, slices } = scan(fileSource(file, size), size, about);
    const proto = decode(skeleton, path);
    const model: OnnxModel = { proto, path };
    checkGraph(model);
    for (const [index, slice] of slices) {
      const tensor = proto.graph?.initializer[index];
      if (tensor !== undefined) bindSlice(tensor, slice);
    }
    for (const tensor of modelTensors(proto)) {
      if (tensor.dataLocation === TensorProto_DataLocation.EXTERNAL) bindExternal(tensor, dirname(path), path);
      checkStoredData(tensor, path);
    }
    bindCodes(model);
    return model;
  } catch (error) {
    if (error instanceof WireError) throw damaged(path, error);
    throw error;
  } finally {
    closeSync(file);
  }
}

/**
 * Decodes a model that is in memory.
 *
 * @param name - what to call it in messages
 * @throws {InputError} when the bytes are no ONNX model
 */
export function modelFromBytes(bytes: Uint8Array, name = '<memory>'): OnnxModel {
  const model: OnnxModel = { proto: decode(bytes, name), path: name };
  checkGraph(model);
  bindCodes(model);
  return model;
}

function decode(bytes: Uint8Array, path: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    throw damaged(path, error);
  }
}

function damaged(path: string, cause: unknown): InputError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new InputError(
    `${path}: an ONNX model was required, got a damaged or another kind of file (${reason}); restore the file`,
    { cause },
  );
}

function checkGraph(model: OnnxModel): void {
  const { graph, opsetImport } = model.proto;
  if (graph === undefined || (graph.node.length === 0 && graph.output.length === 0)) {
    throw new InputError(
      `${model.path}: an ONNX model with a graph was required, got another kind of file; check the path`,
    );
  }
  if (nestingDepth(graph) > DEEPEST_NESTING) {
    throw new InputError(
      `${model.path}: graphs nested at most ${DEEPEST_NESTING} deep were required, got more; do not load models that you do not trust`,
    );
  }
  if (opsetImport.length === 0) {
    throw new InputError(
      `${model.path}: an ONNX model that names its operator set was required, got none; export it again`,
    );
  }
}

function fileSource(file: number, size: number): ByteSource {
  let window = new Uint8Array(0);
  let from = 0;
  return {
    length: size,
    read(offset, length) {
      if (offset + length > size) throw new WireError(`byte ${offset + length} of a file of ${size}`);
      if (offset < from || offset + length > from + window.length) {
        window = new Uint8Array(Math.max(length, Math.min(WINDOW_BYTES, size - offset)));
        from = offset;
        let done = 0;
        while (done < window.length) {
          const count = readSync(file, window, done, window.length - done, offset + done);
          if (count === 0) throw new WireError(`the file ended at byte ${offset + done}`);
          done += count;
        }
      }
      return window.subarray(offset - from, offset - from + length);
    },
  };
}

type SliceOf = Omit<FileSlice, 'offset' | 'length'>;

/** Copies the message without the large weights of its main graph, and notes where those lie. */
function scan(
  source: ByteSource,
  size: number,
  about: SliceOf,
): { skeleton: Uint8Array; slices: Map<number, FileSlice> } {
  const fields = [...wireFields(source, 0, size)];
  const graphs = fields.filter((field) => field.number === MODEL_GRAPH && field.type === 2);
  const slices = new Map<number, FileSlice>();
  // A graph in pieces (which the wire format allows and nobody writes) is decoded as a whole.
  const lazy = graphs.length === 1;
  const parts: Uint8Array[] = [];
  for (const field of fields) {
    if (lazy && field.number === MODEL_GRAPH && field.type === 2) {
      const body = scanGraph(source, field, about, slices);
      parts.push(lengthDelimited(MODEL_GRAPH, totalLength(body)), ...body);
    } else {
      parts.push(copyOf(source, field.start, field.end));
    }
  }
  return { skeleton: concatenate(parts), slices };
}

function scanGraph(source: ByteSource, graph: WireField, about: SliceOf, slices: Map<number, FileSlice>): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let index = 0;
  for (const field of wireFields(source, graph.value, graph.end)) {
    if (field.number === GRAPH_INITIALIZER && field.type === 2) {
      const body: Uint8Array[] = [];
      for (const inner of wireFields(source, field.value, field.end)) {
        const length = inner.end - inner.value;
        if (inner.number === TENSOR_RAW_DATA && inner.type === 2 && length >= LAZY_FROM_BYTES) {
          slices.set(index, { ...about, offset: inner.value, length });
        } else {
          body.push(copyOf(source, inner.start, inner.end));
        }
      }
      parts.push(varint(GRAPH_INITIALIZER * 8 + 2), varint(totalLength(body)), ...body);
      index += 1;
    } else {
      parts.push(copyOf(source, field.start, field.end));
    }
  }
  return parts;
}

function copyOf(source: ByteSource, start: number, end: number): Uint8Array {
  return source.read(start, end - start).slice();
}

function totalLength(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(totalLength(parts));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
