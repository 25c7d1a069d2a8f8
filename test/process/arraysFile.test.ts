import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UnavailableError } from '../../src/errors.js';
import { ArraysFile } from '../../src/process/arraysFile.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-arrays-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('ArraysFile', () => {
  const arrays = {
    floats: { type: 'float32', shape: [2, 2], data: Float32Array.of(1, -0, Number.NaN, 1e-40) },
    'half/ä': { type: 'float16', shape: [3], data: Uint16Array.of(1, 2, 65_535) },
    counts: { type: 'int64', shape: [], data: BigInt64Array.of(-(2n ** 63n)) },
    nothing: { type: 'bool', shape: [0, 4], data: new Uint8Array() },
    doubles: { type: 'float64', shape: [1], data: Float64Array.of(Math.PI) },
  };

  it('gives another reader what was written, all or by name', () => {
    const [writer, reader] = [new ArraysFile(join(folder, 'a')), new ArraysFile(join(folder, 'a'))];
    expect(writer.write(arrays)).toBe(16 + 6 + 8 + 0 + 8);
    expect(reader.read()).toEqual(arrays);
    expect(reader.read(['counts', 'floats'])).toEqual({ counts: arrays.counts, floats: arrays.floats });
    // A view in the middle of a buffer, over what was there and was longer.
    const part = { type: 'uint8', shape: [2], data: Uint8Array.of(9, 8, 7, 6).subarray(1, 3) };
    writer.write({ part });
    expect(reader.read()).toEqual({ part: { ...part, data: Uint8Array.of(8, 7) } });
    writer.close();
    reader.close();
  });

  it('says what is missing or cannot be handed over', async () => {
    const file = new ArraysFile(join(folder, 'b'));
    expect(() => file.read()).toThrow(UnavailableError);
    file.write({ counts: arrays.counts });
    expect(() => file.read(['other'])).toThrow(/b: an array named other was required/);
    expect(() => file.write({ words: { type: 'string', shape: [1], data: Uint8Array.of(1) } })).toThrow(
      /words: elements of float32, .* were required, got string/,
    );
    await writeFile(join(folder, 'b'), '');
    expect(() => file.read()).toThrow(/got a part/);
    file.close();
    expect(() => new ArraysFile(join(folder, 'none', 'c'))).toThrow(/none.c: a file was required/);
  });
});
