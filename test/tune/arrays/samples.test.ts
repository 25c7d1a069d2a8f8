/** What models without a card are fed with; the shapes are those that published models declare (Silero VAD 5, PP-OCRv4, Magika 3.3). */
import { describe, expect, it } from 'vitest';
import { shapeOf, sizesOfFreeAxes } from '../../../src/tune/arrays/freeAxes.js';
import { samplesFor } from '../../../src/tune/arrays/samples.js';

const value = (name: string, shape: readonly (number | string)[], type = 'float32') => ({ name, type, shape });
const silero = [value('input', ['batch', 'sequence']), value('state', [2, 'batch', 128]), value('sr', [], 'int64')];
const graph = { path: 'own.onnx', inputs: silero, outputs: [] };

describe('axes of any size', () => {
  const shapes = (inputs: typeof silero, asked: Record<string, number> = {}) =>
    inputs.map((input) => shapeOf(input, sizesOfFreeAxes('own.onnx', inputs, asked)));

  it('are 1 where they count recordings, and 128 elsewhere', () => {
    expect(shapes(silero)).toEqual([[1, 128], [2, 1, 128], []]);
    expect(shapes([value('x', ['p2o.DynamicDimension.0', 3, '?', 'p2o.DynamicDimension.1'])])).toEqual([
      [1, 3, 128, 128],
    ]);
    expect(shapes([value('input', ['', '']), value('state', [2, '', 128])])).toEqual([
      [1, 128],
      [2, 1, 128],
    ]);
    expect(shapes([value('x', [-1, 3])])).toEqual([[1, 3]]);
    expect(shapes([value('input1', [1, 1, 64, 'image_width'])])).toEqual([[1, 1, 64, 128]]);
    expect(shapes([value('input', ['sequence_length', 576])])).toEqual([[128, 576]]);
  });

  it('are named by name, or by input and place, once for all inputs', () => {
    expect(shapes(silero, { batch: 3, sequence: 512 })).toEqual([[3, 512], [2, 3, 128], []]);
    expect(shapes([value('x', ['', 3, '?', '?'])], { 'x.2': 48, 'x.3': 192 })).toEqual([[1, 3, 48, 192]]);
    expect(() => shapes(silero, { sequense: 5 })).toThrow(
      /own\.onnx: an axis of any size was required, got sequense; it has batch, sequence .*sequence/,
    );
  });
});

describe('arrays drawn at random', () => {
  it('are the same for the same seed, normal where they are floats, and ones where they are whole numbers', async () => {
    const { samples, origin } = await samplesFor(graph, { samples: 2, seed: 7 });
    expect(samples).toEqual((await samplesFor(graph, { samples: 2, seed: 7 })).samples);
    expect(samples[0]?.['input']).not.toEqual(samples[1]?.['input']);
    expect(samples[0]?.['sr']).toEqual({ type: 'int64', shape: [], data: new BigInt64Array([1n]) });
    expect(origin).toContain(
      'input [1, 128], state [2, 1, 128], sr [] of 1; axes of any size (--dim): batch=1 sequence=128',
    );
    const { samples: many } = await samplesFor(graph, { samples: 1, dims: { sequence: 100_000 } });
    const floats = many[0]?.['input']?.data as Float32Array;
    const mean = floats.reduce((sum, one) => sum + one, 0) / floats.length;
    const variance = floats.reduce((sum, one) => sum + (one - mean) ** 2, 0) / floats.length;
    // Four standard errors of 100,000 standard normal numbers: 4/√n of the mean, 4·√(2/n) of the variance.
    expect(Math.abs(mean)).toBeLessThan(0.0127);
    expect(Math.abs(variance - 1)).toBeLessThan(0.0179);
  });

  it('are filled with a number that was asked for', async () => {
    const { samples } = await samplesFor(graph, { values: { sr: 16_000 } });
    expect(samples[3]?.['sr']?.data).toEqual(new BigInt64Array([16_000n]));
    await expect(samplesFor(graph, { values: { rate: 1 } })).rejects.toThrow(
      /an input was required, got rate; it has input, state, sr/,
    );
  });

  it('are refused in types that nothing can fill', async () => {
    const texts = { ...graph, inputs: [value('words', [1], 'string')] };
    await expect(samplesFor(texts)).rejects.toThrow(/got words of string/);
  });
});
