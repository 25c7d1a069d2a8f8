import { type DescField, type DescMessage, type Message, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProtoSchema,
  FunctionProtoSchema,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  SparseTensorProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from 'onnx-buf';
import { storedSizeBytes } from '../tensor/tensor.js';
import { makerOf, readSlice, sliceOf } from './payload.js';
import { lengthDelimited } from './wire.js';

/** A stretch of the file to be: bytes that are there, or a weight that is read or made when its turn comes. */
export interface Part {
  readonly length: number;
  bytes(): Uint8Array;
}

/** Field number of onnx.proto. */
const TENSOR_RAW_DATA = 9;

/** Weights from this size on are pieces of their own, not copied into the messages around them; in bytes. */
const APART_FROM_BYTES = 4096;

/** The messages that tensors stand in, however deep: graphs in attributes of nodes of graphs. */
const AROUND_TENSORS: ReadonlySet<string> = new Set(
  [
    ModelProtoSchema,
    GraphProtoSchema,
    FunctionProtoSchema,
    NodeProtoSchema,
    AttributeProtoSchema,
    SparseTensorProtoSchema,
    TensorProtoSchema,
  ].map(({ typeName }) => typeName),
);

/**
 * The bytes of a model in pieces, each weight that is in a file or is yet to be made a piece of its own, wherever its
 * graph stands. Fields are in the order of their numbers, unknown ones last.
 */
export function modelParts(model: ModelProto): Part[] {
  const apart = new Set<Message>();
  findApart(ModelProtoSchema, model, apart);
  return messageParts(ModelProtoSchema, model, apart);
}

/** Notes the tensors that are to be pieces of their own, and all messages around them. */
function findApart(schema: DescMessage, message: Message, apart: Set<Message>): boolean {
  let found = schema.typeName === TensorProtoSchema.typeName && isApart(message as TensorProto);
  for (const field of schema.fields) {
    for (const child of children(field, message)) {
      const inside = field.message !== undefined && findApart(field.message, child, apart);
      found = found || inside;
    }
  }
  if (found) apart.add(message);
  return found;
}

function isApart(tensor: TensorProto): boolean {
  return (
    sliceOf(tensor)?.internal === true || makerOf(tensor) !== undefined || tensor.rawData.length >= APART_FROM_BYTES
  );
}

/** The messages in a field, where tensors can stand in them. */
function children(field: DescField, message: Message): readonly Message[] {
  if (field.message === undefined || !AROUND_TENSORS.has(field.message.typeName)) return [];
  const value = (message as unknown as Record<string, Message | readonly Message[] | undefined>)[field.localName];
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly Message[]) : [value as Message];
}

function messageParts(schema: DescMessage, message: Message, apart: ReadonlySet<Message>): Part[] {
  if (!apart.has(message)) return [known(toBinary(schema, message as never))];
  if (schema.typeName === TensorProtoSchema.typeName) return tensorParts(message as TensorProto);
  const parts: Part[] = [];
  let plainFrom = 0;
  const plainUntil = (end: number, last = false): void => {
    const from = plainFrom;
    parts.push(
      known(toBinary(schema, only(message, schema, (number) => number >= from && number < end, last) as never)),
    );
    plainFrom = end + 1;
  };
  for (const field of schema.fields.toSorted((a, b) => a.number - b.number)) {
    const inside = children(field, message);
    if (field.message === undefined || !inside.some((child) => apart.has(child))) continue;
    plainUntil(field.number);
    for (const child of inside) {
      const body = messageParts(field.message, child, apart);
      parts.push(known(lengthDelimited(field.number, totalLength(body))), ...body);
    }
  }
  plainUntil(Number.POSITIVE_INFINITY, true);
  return parts;
}

function tensorParts(tensor: TensorProto): Part[] {
  const slice = sliceOf(tensor);
  const make = makerOf(tensor);
  let raw = known(tensor.rawData);
  if (slice?.internal === true) raw = { length: slice.length, bytes: () => readSlice(slice) };
  else if (make !== undefined) raw = { length: storedSizeBytes(tensor), bytes: make };
  return [
    known(
      toBinary(
        TensorProtoSchema,
        only(tensor, TensorProtoSchema, (field) => field < TENSOR_RAW_DATA),
      ),
    ),
    known(lengthDelimited(TENSOR_RAW_DATA, raw.length)),
    raw,
    known(
      toBinary(
        TensorProtoSchema,
        only(tensor, TensorProtoSchema, (field) => field > TENSOR_RAW_DATA, true),
      ),
    ),
  ];
}

function totalLength(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function known(bytes: Uint8Array): Part {
  return { length: bytes.length, bytes: () => bytes };
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
