import { type DescMessage, type Message, toBinary } from '@bufbuild/protobuf';
import { type GraphProto, GraphProtoSchema, ModelProtoSchema, type TensorProto, TensorProtoSchema } from 'onnx-buf';
import { writeFileAtomic } from '../files.js';
import { mainGraph, type OnnxModel } from './model.js';
import { readSlice, sliceOf } from './payload.js';
import { lengthDelimited } from './wire.js';

/** Field numbers of onnx.proto. */
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_RAW_DATA = 9;

/** A stretch of the file to be: bytes that are there, or a weight that is read when its turn comes. */
interface Part {
  readonly length: number;
  bytes(): Uint8Array;
}

/**
 * Writes a model as a whole or not at all. Weights that are still in a file are copied one at a time.
 *
 * Fields stand in the order of their numbers, as every Protocol Buffers library writes them, unknown ones last:
 * a model that is read and written unchanged gives the same bytes.
 *
 * @param path - file to write
 * @throws {UnavailableError} when the place cannot be written or the disk is full
 */
export async function writeModel(model: OnnxModel, path: string): Promise<void> {
  await writeFileAtomic(path, modelChunks(model));
}

/** The bytes of a model's file. */
export function modelToBytes(model: OnnxModel): Uint8Array {
  const parts = modelParts(model);
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part.bytes(), at);
    at += part.length;
  }
  return whole;
}

/** The bytes of a model's file, one piece after another: a weight is in memory only while its piece is used. */
export function* modelChunks(model: OnnxModel): Generator<Uint8Array> {
  for (const part of modelParts(model)) if (part.length > 0) yield part.bytes();
}

function modelParts(model: OnnxModel): Part[] {
  const graph = graphParts(mainGraph(model));
  return [
    encoded(
      ModelProtoSchema,
      only(model.proto, ModelProtoSchema, (field) => field < MODEL_GRAPH),
    ),
    known(lengthDelimited(MODEL_GRAPH, totalLength(graph))),
    ...graph,
    encoded(
      ModelProtoSchema,
      only(model.proto, ModelProtoSchema, (field) => field > MODEL_GRAPH, true),
    ),
  ];
}

function graphParts(graph: GraphProto): Part[] {
  const parts = [
    encoded(
      GraphProtoSchema,
      only(graph, GraphProtoSchema, (field) => field < GRAPH_INITIALIZER),
    ),
  ];
  for (const tensor of graph.initializer) {
    const body = tensorParts(tensor);
    parts.push(known(lengthDelimited(GRAPH_INITIALIZER, totalLength(body))), ...body);
  }
  parts.push(
    encoded(
      GraphProtoSchema,
      only(graph, GraphProtoSchema, (field) => field > GRAPH_INITIALIZER, true),
    ),
  );
  return parts;
}

function tensorParts(tensor: TensorProto): Part[] {
  const slice = sliceOf(tensor);
  if (slice?.internal !== true && tensor.rawData.length === 0) return [encoded(TensorProtoSchema, tensor)];
  const raw: Part =
    slice?.internal === true ? { length: slice.length, bytes: () => readSlice(slice) } : known(tensor.rawData);
  return [
    encoded(
      TensorProtoSchema,
      only(tensor, TensorProtoSchema, (field) => field < TENSOR_RAW_DATA),
    ),
    known(lengthDelimited(TENSOR_RAW_DATA, raw.length)),
    raw,
    encoded(
      TensorProtoSchema,
      only(tensor, TensorProtoSchema, (field) => field > TENSOR_RAW_DATA, true),
    ),
  ];
}

function totalLength(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function known(bytes: Uint8Array): Part {
  return { length: bytes.length, bytes: () => bytes };
}

function encoded<Desc extends DescMessage>(schema: Desc, message: Message): Part {
  return known(toBinary(schema, message as never));
}

/** A copy of a message that has some of its fields, and the unknown ones if they are asked for. */
function only<M extends Message>(
  message: M,
  schema: DescMessage,
  keep: (field: number) => boolean,
  unknown = false,
): M {
  const copy = Object.create(Object.getPrototypeOf(message) as object) as Record<string, unknown>;
  const names = new Map(schema.fields.map((field) => [field.localName, field.number]));
  for (const [key, value] of Object.entries(message)) {
    const number = names.get(key);
    if (number === undefined ? key === '$typeName' || (unknown && key === '$unknown') : keep(number)) copy[key] = value;
  }
  // An absent list cannot be encoded; an empty one writes nothing.
  for (const field of schema.fields) {
    if (field.fieldKind === 'list' && !(field.localName in copy && copy[field.localName] !== undefined)) {
      copy[field.localName] = [];
    }
  }
  return copy as unknown as M;
}
