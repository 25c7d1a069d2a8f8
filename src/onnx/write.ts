import { basename, dirname, join } from 'node:path';
import { type DescMessage, type Message, toBinary } from '@bufbuild/protobuf';
import { type GraphProto, GraphProtoSchema, ModelProtoSchema, type TensorProto, TensorProtoSchema } from 'onnx-buf';
import { writeFileAtomic } from '../files.js';
import { mainGraph, type OnnxModel } from './model.js';
import { makerOf, readSlice, sliceOf } from './payload.js';
import { externalChunks, placeTensors } from './placeTensors.js';
import { storedSizeBytes } from './tensor.js';
import { lengthDelimited } from './wire.js';

/** Field numbers of onnx.proto. */
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_RAW_DATA = 9;

/** Weights together that stay in the model's own file: 2 GB is the limit of a message, and nodes need room, too. */
const LIMIT_BYTES = 2e9;

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
  const parts = modelParts(placeTensors(model, '', Number.POSITIVE_INFINITY).model);
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
  const make = makerOf(tensor);
  if (slice?.internal !== true && make === undefined && tensor.rawData.length === 0) {
    return [encoded(TensorProtoSchema, tensor)];
  }
  let raw = known(tensor.rawData);
  if (slice?.internal === true) raw = { length: slice.length, bytes: () => readSlice(slice) };
  else if (make !== undefined) raw = { length: storedSizeBytes(tensor), bytes: make };
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
