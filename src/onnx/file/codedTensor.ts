import type { TensorProto } from 'onnx-buf';
import { modelTensors } from '../graph/subgraphs.js';
import type { OnnxModel } from '../model.js';
import { bitsOf } from '../tensor/dtype.js';
import { decodeFloat16, encodeFloat16 } from '../tensor/halfFloat.js';
import { storedSizeBytes, tensorDtype } from '../tensor/tensor.js';
import { StreamReader, writeStream } from './byteStreams.js';
import { bindLazy, readSlice, sliceOf, unbindSlice } from './payload.js';
import { decodeWords, encodeWords } from './wordCode.js';

/** First letters of the data of a tensor that is coded. */
const MARK: Buffer = Buffer.from('QLCD');

/** What stands behind the mark. */
const BYTES = 0;
const WORDS = 1;
/** Words of float16, of float32 values that are all such. */
const HALVES = 2;

/**
 * The elements of a tensor in code: for `raw_data`, of which a reader tells by its length that it is coded.
 *
 * Elements of 8 bits and fewer are coded by their bytes, of 16 and 32 bits as {@link encodeWords} does; others are bytes.
 *
 * @param bytes - of the elements
 */
export function encodeTensor(tensor: TensorProto, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const [form, chunks] = codeOf(tensor, bytes);
  return new Uint8Array(Buffer.concat([MARK, Uint8Array.of(form), ...chunks]));
}

function codeOf(tensor: TensorProto, bytes: Uint8Array): readonly [form: number, chunks: readonly Uint8Array[]] {
  const width = bitsOf(tensorDtype(tensor));
  if (width !== 16 && width !== 32) return [BYTES, writeStream(bytes)];
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  if (width === 16) return [WORDS, encodeWords(new Uint16Array(buffer))];
  const words = new Uint32Array(buffer);
  const halves = tensorDtype(tensor) === 'float32' ? exactHalves(words) : undefined;
  return halves === undefined ? [WORDS, encodeWords(words)] : [HALVES, encodeWords(halves)];
}

/** The float16 patterns of float32 patterns; `undefined` where they do not hold every bit. */
function exactHalves(words: Uint32Array): Uint16Array | undefined {
  const halves = encodeFloat16(new Float32Array(words.buffer));
  const back = new Uint32Array(decodeFloat16(halves).buffer);
  return words.every((word, index) => word === back[index]) ? halves : undefined;
}

/** Whether the data of a tensor, as its file has it, is a code: its length is then not that of the elements. */
export function holdsCode(tensor: TensorProto): boolean {
  const slice = sliceOf(tensor);
  if (slice === undefined) return begins(tensor.rawData) && tensor.rawData.length !== storedSizeBytes(tensor);
  // The file is looked into where the length is wrong alone.
  const isElements = slice.length === storedSizeBytes(tensor);
  return !isElements && slice.length >= MARK.length && begins(readSlice(slice, 0, MARK.length));
}

function begins(bytes: Uint8Array): boolean {
  return MARK.equals(bytes.subarray(0, MARK.length));
}

const coded = new WeakSet<TensorProto>();

/** Lets the elements of coded tensors be decoded each time they are asked for; the code stays where it is. */
export function bindCodes(model: OnnxModel): void {
  for (const tensor of modelTensors(model.proto)) if (holdsCode(tensor)) bindCode(tensor, model.path);
}

function bindCode(tensor: TensorProto, path: string): void {
  const slice = sliceOf(tensor);
  const inline = tensor.rawData;
  unbindSlice(tensor);
  tensor.rawData = new Uint8Array();
  bindLazy(tensor, () => decodeTensor(tensor, slice === undefined ? inline : readSlice(slice), path));
  coded.add(tensor);
}

/** Whether a model was read from a file with coded tensors: ONNX Runtime cannot load that. */
export function isCoded(model: OnnxModel): boolean {
  return [...modelTensors(model.proto)].some((tensor) => coded.has(tensor));
}

function decodeTensor(tensor: TensorProto, code: Uint8Array, path: string): Uint8Array {
  const reader = new StreamReader(code, `${path}: tensor ${tensor.name}`);
  reader.take(MARK.length);
  const elements = elementsOf(
    reader,
    reader.take(1).readUInt8(0),
    storedSizeBytes(tensor),
    bitsOf(tensorDtype(tensor)),
  );
  if (!reader.atEnd) throw reader.damaged('no more bytes', 'some');
  return new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
}

function elementsOf(reader: StreamReader, form: number, sizeBytes: number, width: number): ArrayBufferView {
  if (form === BYTES) return reader.stream(sizeBytes);
  if (form === HALVES) return decodeFloat16(decodeWords(reader, new Uint16Array(sizeBytes / 4)));
  if (form !== WORDS) throw reader.damaged(`a code of form ${BYTES}, ${WORDS} or ${HALVES}`, `form ${form}`);
  return decodeWords(reader, width === 16 ? new Uint16Array(sizeBytes / 2) : new Uint32Array(sizeBytes / 4));
}
