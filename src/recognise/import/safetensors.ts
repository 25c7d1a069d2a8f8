import type { TensorProto } from 'onnx-buf';
import { z } from 'zod';
import { InputError } from '../../errors.js';
import { parseJson } from '../../files.js';
import type { Dtype } from '../../onnx/tensor/dtype.js';
import { ArrayFile } from './storedArrays.js';

/** Element types that weights have; others (masks, counters) are left out. */
const DTYPES: Readonly<Record<string, Dtype>> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16', F64: 'float64' };

/** The format's own limit of its head. */
const MOST_HEAD_BYTES = 100e6;

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [start: number, end: number];
}

const whole = z.int().nonnegative();
const entrySchema: z.ZodType<Entry> = z.object({
  dtype: z.string(),
  shape: z.array(whole),
  data_offsets: z.tuple([whole, whole]),
});
const headSchema: z.ZodType<Readonly<Record<string, unknown>>> = z.record(z.string(), z.unknown());

/**
 * Finds the arrays of a safetensors file; their elements stay in it.
 *
 * Source: the format's description, https://github.com/huggingface/safetensors.
 *
 * @throws {InputError} when the file is cut, or its head says what the file does not hold
 */
export function readSafetensors(path: string): ReadonlyMap<string, TensorProto> {
  const file = new ArrayFile(path);
  try {
    const headBytes = Number(file.read(8, 'the size of the head').readBigUInt64LE());
    if (headBytes > MOST_HEAD_BYTES) {
      throw new InputError(
        `${path}: a safetensors file was required, got one whose first bytes are no size of a head (${headBytes}); check the file`,
      );
    }
    const head = parseJson(file.read(headBytes, 'head').toString('utf8'), headSchema, `${path} (head)`);
    const start = file.at;
    const arrays = new Map<string, TensorProto>();
    let end = start;
    for (const [name, value] of Object.entries(head)) {
      if (name === '__metadata__') continue;
      const parsed = entrySchema.safeParse(value);
      if (!parsed.success) throw file.damaged(`dtype, shape and data_offsets of ${name} were required, got others`);
      const {
        dtype: code,
        shape,
        data_offsets: [from, to],
      } = parsed.data;
      end = Math.max(end, start + to);
      const dtype = DTYPES[code];
      if (dtype === undefined) continue;
      file.at = start + from;
      arrays.set(name, file.array(name, dtype, shape, to - from));
    }
    if (end !== file.sizeBytes) throw file.damaged(`${end} bytes by its head were required, got ${file.sizeBytes}`);
    return arrays;
  } finally {
    file.close();
  }
}
