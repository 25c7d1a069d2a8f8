import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
} from 'onnx-buf';

/** Values that {@link makeNode} turns into attributes: whole numbers become INT, others must say that they are FLOAT. */
export type AttributeValue =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly tensor: TensorProto }
  | { readonly graph: GraphProto };

/** What makes up a node besides its type. */
export interface NodeParts {
  readonly name?: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** Attributes taken over from another node, before those of `attributes`. */
  readonly inherited?: readonly AttributeProto[];
}

/** Makes a node. */
export function makeNode(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  parts: NodeParts = {},
): NodeProto {
  const attributes = Object.entries(parts.attributes ?? {}).map(([name, value]) => makeAttribute(name, value));
  return create(NodeProtoSchema, {
    opType,
    input: [...inputs],
    output: [...outputs],
    ...(parts.name === undefined || parts.name === '' ? {} : { name: parts.name }),
    ...(parts.domain === undefined ? {} : { domain: parts.domain }),
    attribute: [...(parts.inherited ?? []), ...attributes],
  });
}

/** Makes an attribute; the type follows from the value. */
export function makeAttribute(name: string, value: AttributeValue): AttributeProto {
  const type = AttributeProto_AttributeType;
  if (typeof value === 'number') return create(AttributeProtoSchema, { name, type: type.INT, i: BigInt(value) });
  if (typeof value === 'string') return create(AttributeProtoSchema, { name, type: type.STRING, s: utf8(value) });
  if ('float' in value) return create(AttributeProtoSchema, { name, type: type.FLOAT, f: value.float });
  if ('floats' in value) {
    return create(AttributeProtoSchema, { name, type: type.FLOATS, floats: [...value.floats] });
  }
  if ('tensor' in value) return create(AttributeProtoSchema, { name, type: type.TENSOR, t: value.tensor });
  if ('graph' in value) return create(AttributeProtoSchema, { name, type: type.GRAPH, g: value.graph });
  if (value.length > 0 && typeof value[0] === 'string') {
    return create(AttributeProtoSchema, { name, type: type.STRINGS, strings: value.map((text) => utf8(String(text))) });
  }
  return create(AttributeProtoSchema, { name, type: type.INTS, ints: value.map((number) => BigInt(number)) });
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
}

/** An attribute by name. */
export function attributeOf(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((attribute) => attribute.name === name);
}

/** A whole-number attribute, or its default. */
export function intAttribute(node: NodeProto, name: string, otherwise: number): number {
  const attribute = attributeOf(node, name);
  return attribute === undefined ? otherwise : Number(attribute.i);
}

/** A floating-point attribute, or its default. */
export function floatAttribute(node: NodeProto, name: string, otherwise: number): number {
  return attributeOf(node, name)?.f ?? otherwise;
}

/** A text attribute, or its default. */
export function stringAttribute(node: NodeProto, name: string, otherwise: string): string {
  const attribute = attributeOf(node, name);
  return attribute === undefined ? otherwise : new TextDecoder().decode(attribute.s);
}

/** Whether a node is one of ONNX's own operators, of the type given. */
export function isOp(node: NodeProto, opType: string): boolean {
  return node.opType === opType && (node.domain === '' || node.domain === 'ai.onnx');
}

/** What to call a node in a message: its name, or its type and first output. */
export function nodeTitle(node: NodeProto): string {
  return node.name === '' ? `${node.opType} → ${node.output[0] ?? '?'}` : node.name;
}
