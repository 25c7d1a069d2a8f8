import { create } from '@bufbuild/protobuf';
import { type TensorProto, TensorProto_DataLocation, TensorProtoSchema } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { StreamReader, writeStream } from '../../onnx/file/byteStreams.js';
import { modelFromBytes } from '../../onnx/file/read.js';
import { decodeWords, encodeWords } from '../../onnx/file/wordCode.js';
import { modelToBytes } from '../../onnx/file/write.js';
import { copyModel } from '../../onnx/graph/copy.js';
import { mainGraph, type OnnxModel } from '../../onnx/model.js';
import { decodeFloat16, encodeFloat16 } from '../../onnx/tensor/halfFloat.js';
import { elementCount, makeTensor, shapeOf, tensorDtype, tensorFloats } from '../../onnx/tensor/tensor.js';

/** The first bytes of a packed file. */
const MAGIC: Buffer = Buffer.from('quantlab.weights/1\n');

/** Smaller initializers stay in the frame, in float32. */
const SMALLEST_PACKED = 256;

/** A model as it is shipped, and what packing changed. */
export interface PackedWeights {
  /** The packed file. */
  readonly bytes: Uint8Array;
  /** Values packed as float16. */
  readonly values: number;
  /** Values that float16 does not hold exactly: they were rounded. */
  readonly roundedValues: number;
  /** Tensors with values beyond ±65,504, which float16 cannot hold at all: they were left in float32. */
  readonly tensorsLeft: readonly string[];
}

/**
 * Packs a float32 model into the smallest file that gives it back: its float32 initializers as coded float16
 * ({@link encodeWords}), the rest of the ONNX file, the frame, deflated. {@link unpackWeights} gives the original back byte for byte
 * where every value is a float16.
 *
 * The file: `quantlab.weights/1` and a line feed; the length of the frame, 32 bits, little-endian, and the frame as a
 * stream; then each initializer that the frame has without its data, in their order.
 *
 * @throws {InputError} when a tensor's data cannot be read
 */
export function packWeights(model: OnnxModel): PackedWeights {
  const initializer: TensorProto[] = [];
  const coded: Uint8Array[] = [];
  const tensorsLeft: string[] = [];
  let values = 0;
  let roundedValues = 0;
  for (const tensor of mainGraph(model).initializer) {
    const half = isPackable(tensor) ? toHalves(tensor) : undefined;
    if (half === undefined || half === 'overflow') {
      initializer.push(tensor);
      if (half === 'overflow') tensorsLeft.push(tensor.name);
      continue;
    }
    const { name, dims, dataType } = tensor;
    initializer.push(create(TensorProtoSchema, { name, dims, dataType }));
    coded.push(...encodeWords(half.codes));
    values += half.codes.length;
    roundedValues += half.rounded;
  }
  const frame = modelToBytes(copyModel(model, { initializer }));
  const frameLength = Buffer.alloc(4);
  frameLength.writeUInt32LE(frame.length);
  const bytes = Buffer.concat([MAGIC, frameLength, ...writeStream(frame), ...coded]);
  return { bytes, values, roundedValues, tensorsLeft };
}

function isPackable(tensor: TensorProto): boolean {
  // Only what stands in `raw_data`, and nothing that the new tensor would not carry.
  const plain = tensor.docString === '' && tensor.metadataProps.length === 0 && tensor.$unknown === undefined;
  return plain && tensor.floatData.length === 0 && mayBePacked(tensor);
}

function mayBePacked(tensor: TensorProto): boolean {
  return tensorDtype(tensor) === 'float32' && elementCount(tensor) >= SMALLEST_PACKED;
}

function toHalves(tensor: TensorProto): { readonly codes: Uint16Array; readonly rounded: number } | 'overflow' {
  const values = tensorFloats(tensor);
  const codes = encodeFloat16(values);
  const back = decodeFloat16(codes);
  let rounded = 0;
  for (let i = 0; i < values.length; i++) {
    if (Object.is(values[i], back[i])) continue;
    if (Number.isFinite(values[i]) && !Number.isFinite(back[i])) return 'overflow';
    rounded += 1;
  }
  return { codes, rounded };
}

/**
 * Turns a packed file back into the float32 model that it was packed from: the same messages in the same order.
 *
 * @param bytes - the whole file
 * @param where - its name, for errors
 * @throws {InputError} when it is not one that {@link packWeights} made, or is cut or damaged
 */
export function unpackWeights(bytes: Uint8Array, where: string): OnnxModel {
  if (!MAGIC.equals(bytes.subarray(0, MAGIC.length))) {
    throw new InputError(
      `${where}: packed weights were required, got another file; write it with \`quantlab model pack\``,
    );
  }
  const reader = new StreamReader(bytes, where);
  reader.take(MAGIC.length);
  const frame = modelFromBytes(reader.stream(reader.take(4).readUInt32LE(0)), where);
  const initializer = mainGraph(frame).initializer.map((tensor) =>
    mayBePacked(tensor) && isWithoutData(tensor)
      ? makeTensor(
          tensor.name,
          'float32',
          shapeOf(tensor),
          decodeFloat16(decodeWords(reader, new Uint16Array(elementCount(tensor)))),
        )
      : tensor,
  );
  if (!reader.atEnd) throw reader.damaged('no more bytes', 'some');
  return copyModel(frame, { initializer });
}

function isWithoutData({ rawData, floatData, dataLocation }: TensorProto): boolean {
  return rawData.length === 0 && floatData.length === 0 && dataLocation !== TensorProto_DataLocation.EXTERNAL;
}
