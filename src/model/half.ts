import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
} from 'onnx-buf';
import { InputError } from '../errors.js';
import { copyMessage, copyModel } from '../onnx/copy.js';
import { DTYPE_CODE } from '../onnx/dtype.js';
import { decodeFloat16, encodeFloat16 } from '../onnx/halfFloat.js';
import { mainGraph, type OnnxModel } from '../onnx/model.js';
import { makeTensor, shapeOf, tensorDtype, tensorFloats } from '../onnx/tensor.js';

/** Metadata key of a packed model; its value counts the `Cast` nodes that stand before all others. */
const MARK = 'quantlab.half';

/** Smaller initializers stay float32: a `Cast` would take more room than it saves. */
const SMALLEST_PACKED = 256;

/** A model in half precision, and what that changed. */
export interface HalfModel {
  readonly model: OnnxModel;
  /** Values packed to float16. */
  readonly values: number;
  /** Values that float16 does not hold exactly: they were rounded. */
  readonly roundedValues: number;
  /** Values beyond ±65,504, which float16 cannot hold at all: their tensors were left in float32. */
  readonly tensorsLeft: readonly string[];
}

/**
 * Stores the float32 initializers of a model as float16 and a `Cast` back to float32: half the size, loadable by any
 * runtime as it is, and {@link expandHalf} gives the original back byte for byte where every value is a float16.
 *
 * @throws {InputError} when the model is packed already
 */
export function packHalf(model: OnnxModel): HalfModel {
  if (markOf(model) !== undefined) {
    throw new InputError(`${model.path}: a float32 model was required, got one in half precision; pack the original`);
  }
  const graph = mainGraph(model);
  const initializer: TensorProto[] = [];
  const casts: NodeProto[] = [];
  const tensorsLeft: string[] = [];
  let values = 0;
  let roundedValues = 0;
  for (const tensor of graph.initializer) {
    const packed = isPackable(tensor) ? packTensor(tensor) : undefined;
    if (packed === undefined) {
      initializer.push(tensor);
    } else if (packed === 'overflow') {
      initializer.push(tensor);
      tensorsLeft.push(tensor.name);
    } else {
      initializer.push(packed.half);
      casts.push(packed.cast);
      values += packed.values;
      roundedValues += packed.rounded;
    }
  }
  const half = copyModel(model, { initializer, node: [...casts, ...graph.node] });
  const mark = create(StringStringEntryProtoSchema, { key: MARK, value: String(casts.length) });
  const proto = copyMessage(half.proto, { metadataProps: [...half.proto.metadataProps, mark] });
  return { model: { proto, path: model.path }, values, roundedValues, tensorsLeft };
}

function isPackable(tensor: TensorProto): boolean {
  // Only what stands in `raw_data`, and nothing that the new tensor would not carry.
  const plain = tensor.docString === '' && tensor.metadataProps.length === 0 && tensor.$unknown === undefined;
  const inTypedField = tensor.floatData.length > 0;
  const count = shapeOf(tensor).reduce((product, dim) => product * dim, 1);
  return tensorDtype(tensor) === 'float32' && plain && !inTypedField && count >= SMALLEST_PACKED;
}

function packTensor(
  tensor: TensorProto,
): { half: TensorProto; cast: NodeProto; values: number; rounded: number } | 'overflow' {
  const values = tensorFloats(tensor);
  const halves = encodeFloat16(values);
  const back = decodeFloat16(halves);
  let rounded = 0;
  for (let i = 0; i < values.length; i++) {
    if (Object.is(values[i], back[i])) continue;
    if (Number.isFinite(values[i]) && !Number.isFinite(back[i])) return 'overflow';
    rounded += 1;
  }
  const name = `${tensor.name}.half`;
  const cast = create(NodeProtoSchema, {
    input: [name],
    output: [tensor.name],
    name: `${tensor.name}.expand`,
    opType: 'Cast',
    attribute: [
      create(AttributeProtoSchema, {
        name: 'to',
        type: AttributeProto_AttributeType.INT,
        i: BigInt(DTYPE_CODE.float32),
      }),
    ],
  });
  return { half: makeTensor(name, 'float16', shapeOf(tensor), halves), cast, values: values.length, rounded };
}

/**
 * Turns a model in half precision back into the float32 model that it was packed from: the same messages in the same
 * order. The same input gives the same bytes.
 *
 * @throws {InputError} when the model is not one that {@link packHalf} made
 */
export function expandHalf(model: OnnxModel): OnnxModel {
  const count = Number(markOf(model));
  const graph = mainGraph(model);
  const original = new Map<string, string>();
  for (const node of graph.node.slice(0, Number.isInteger(count) ? count : 0)) {
    const [input, output] = [node.input[0], node.output[0]];
    if (node.opType === 'Cast' && input !== undefined && output !== undefined) original.set(input, output);
  }
  if (original.size !== count) {
    throw new InputError(
      `${model.path}: a model in half precision was required, got another; pack it with \`quantlab model pack\``,
    );
  }
  const initializer = graph.initializer.map((tensor) => {
    const name = original.get(tensor.name);
    return name === undefined ? tensor : makeTensor(name, 'float32', shapeOf(tensor), tensorFloats(tensor));
  });
  const float = copyModel(model, { initializer, node: graph.node.slice(count) });
  const metadataProps = float.proto.metadataProps.filter((entry) => entry.key !== MARK);
  return { proto: copyMessage(float.proto, { metadataProps }), path: model.path };
}

function markOf(model: OnnxModel): string | undefined {
  return model.proto.metadataProps.find((entry) => entry.key === MARK)?.value;
}
