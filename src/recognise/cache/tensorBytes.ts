import { Tensor } from '../../runtime.js';

type Tensors = Readonly<Record<string, Tensor>>;

interface Entry {
  readonly name: string;
  readonly dims: readonly number[];
}

/** Numbers begin at a multiple of this, so that they can be read where they lie. */
const ALIGNMENT = 8;
const LENGTH_BYTES = 4;

/**
 * Tensors as bytes: the length of a header, names and shapes in it as JSON, and the numbers, little-endian as every machine that ONNX
 * Runtime serves.
 *
 * @returns `null` where not all are float32
 */
export function tensorsToBytes(tensors: Tensors): Uint8Array | null {
  const entries: Entry[] = Object.entries(tensors).map(([name, { dims }]) => ({ name, dims }));
  const header = Buffer.from(JSON.stringify(entries));
  const parts = Object.values(tensors).map(({ data }) => data);
  let at = startOf(header.length);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + 4 * part.length, at));
  new DataView(bytes.buffer).setUint32(0, header.length, true);
  bytes.set(header, LENGTH_BYTES);
  for (const part of parts) {
    if (!(part instanceof Float32Array)) return null;
    bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += part.byteLength;
  }
  return bytes;
}

/** The tensors, over the same memory. @param bytes - which begin at a multiple of 4 in their buffer */
export function tensorsFromBytes(bytes: Uint8Array): Tensors {
  const headerBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = Buffer.from(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + headerBytes)).toString('utf8');
  let at = bytes.byteOffset + startOf(headerBytes);
  const tensors = (JSON.parse(header) as Entry[]).map(({ name, dims }): [string, Tensor] => {
    const data = new Float32Array(
      bytes.buffer,
      at,
      dims.reduce((product, size) => product * size, 1),
    );
    at += data.byteLength;
    return [name, new Tensor('float32', data, dims)];
  });
  return Object.fromEntries(tensors);
}

function startOf(headerBytes: number): number {
  return Math.ceil((LENGTH_BYTES + headerBytes) / ALIGNMENT) * ALIGNMENT;
}
