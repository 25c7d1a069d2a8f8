/** Damaged and hostile files: a clear error or a model, never a crash or a hang. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { quantizeDynamic } from '../../src/compress/dynamic/dynamic.js';
import { DYNAMIC_OP_TYPES } from '../../src/compress/dynamic/dynamicOptions.js';
import { InputError } from '../../src/errors.js';
import { modelFromBytes, readModel } from '../../src/onnx/file/read.js';
import { lengthDelimited } from '../../src/onnx/file/wire.js';
import { modelToBytes, writeModel } from '../../src/onnx/file/write.js';
import { makeNode } from '../../src/onnx/graph/node.js';
import { summarizeModel } from '../../src/onnx/inspect.js';
import { makeTensor } from '../../src/onnx/tensor/tensor.js';
import { smallModel } from './smallModels.js';

const fixtures = fileURLToPath(new URL('../fixtures/compress/', import.meta.url));

/** Inputs tried; `FUZZ=10000` tries as many. */
const COUNT = Number(process.env['FUZZ'] ?? 140);

/** Longest that one input may take, in milliseconds: a hang, not a slow machine. */
const LONGEST_MS = 30_000;

/** Opens, lists, quantizes and writes; anything but a model or an InputError is a fault. */
async function tryFile(path: string, output: string): Promise<'model' | 'refused'> {
  const start = performance.now();
  try {
    const model = await readModel(path);
    summarizeModel(model, 0, true);
    const opTypesToQuantize = DYNAMIC_OP_TYPES;
    await writeModel(quantizeDynamic(model, { perChannel: true, opTypesToQuantize }).model, output);
    await readModel(output);
    return 'model';
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return 'refused';
  } finally {
    expect(performance.now() - start).toBeLessThan(LONGEST_MS);
  }
}

/** Damages that a file may take; each changes a copy. */
function damage(original: Uint8Array, next: (below: number) => number): Uint8Array {
  const bytes = Uint8Array.from(original);
  // Most bytes are weights, which any bits are; the structure stands around them.
  const place = (): number => (next(3) === 0 ? next(bytes.length) : next(Math.min(400, bytes.length)));
  switch (next(8)) {
    case 0:
      return bytes.subarray(0, next(bytes.length));
    case 1: {
      // A stretch is missing from the middle.
      const from = place();
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + next(40))]);
    }
    case 2: {
      // A stretch stands there twice.
      const from = place();
      return Buffer.concat([bytes.subarray(0, from + 1 + next(60)), bytes.subarray(from)]);
    }
    case 3: {
      // A huge number where a length, a dimension or a type was.
      const from = place();
      const huge = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f);
      return Buffer.concat([bytes.subarray(0, from), huge.subarray(0, 1 + next(8)), bytes.subarray(from + 1)]);
    }
    default: {
      const flips = 1 + next(4);
      for (let flip = 0; flip < flips; flip++) {
        const at = place();
        bytes[at] = (bytes[at] ?? 0) ^ (1 << next(8));
      }
      return bytes;
    }
  }
}

describe('damaged files', () => {
  it('are refused by name when cut anywhere', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quantlab-cut-'));
    const bytes = await readFile(`${fixtures}branches.onnx`);
    const path = join(folder, 'cut.onnx');
    const results = new Set<string>();
    for (let length = 0; length < bytes.length; length += 7) {
      await writeFile(path, bytes.subarray(0, length));
      await readModel(path).then(
        () => results.add('model'),
        (error) => {
          expect(error).toBeInstanceOf(InputError);
          expect(error.message).toContain(path);
          results.add('refused');
        },
      );
    }
    expect(results).toContain('refused');
  });

  it('are refused or read when bits are flipped, stretches cut, doubled or made huge', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quantlab-flip-'));
    const [path, output] = [join(folder, 'damaged.onnx'), join(folder, 'output.onnx')];
    const names = ['branches', 'mlp', 'stack', 'conv', 'embed', 'attention', 'lstm'];
    const originals = await Promise.all(names.map(async (name) => await readFile(`${fixtures}${name}.onnx`)));
    const results = { model: 0, refused: 0 };
    let state = Number(process.env['FUZZ_SEED'] ?? 1);
    const next = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < COUNT; round++) {
      await writeFile(path, damage(originals[round % originals.length] ?? new Uint8Array(), next));
      const result = await tryFile(path, output);
      results[result] += 1;
      // Whole or not at all, and nothing left beside it.
      const files = (await readdir(folder)).sort();
      expect(files).toEqual(result === 'model' ? ['damaged.onnx', 'output.onnx'] : ['damaged.onnx']);
      await rm(output, { force: true });
    }
    expect(results.refused).toBeGreaterThan(COUNT / 20);
    expect(results.model).toBeGreaterThan(COUNT / 20);
  }, 3_600_000);

  it('are refused when they are another kind of file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quantlab-other-'));
    const path = join(folder, 'other.onnx');
    for (const text of ['', '{"json": true}', 'RIFF\0\0\0\0WAVEfmt ', '<html></html>']) {
      await writeFile(path, text);
      await expect(readModel(path)).rejects.toThrow(InputError);
    }
    await expect(readModel(folder)).rejects.toThrow(InputError);
    const pipe = join(folder, 'pipe.onnx');
    await promisify(execFile)('mkfifo', [pipe]);
    await expect(readModel(pipe)).rejects.toThrow(/a pipe or a device/);
    await expect(readModel(join(folder, 'none.onnx'))).rejects.toThrow(/none\.onnx/);
  });
});

function field(number: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([lengthDelimited(number, content.length), content]);
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe('hostile graphs', () => {
  const io = { inputs: { x: ['float32', ['n', 4]] }, outputs: { y: ['float32', ['n', 4]] } } as const;

  it('with values that depend on themselves are refused, by the names of two', () => {
    const nodes = [
      makeNode('Transpose', ['b'], ['a']),
      makeNode('Identity', ['a'], ['b']),
      makeNode('MatMul', ['x', 'b'], ['y'], { name: 'product' }),
    ];
    expect(() => quantizeDynamic(smallModel({ nodes, ...io }))).toThrow(
      'Identity → b and Transpose → a, which wait for each other',
    );
  });

  it('with chains longer than the stack are handled', () => {
    const nodes = [makeNode('Identity', ['w'], ['v0'])];
    for (let index = 0; index < 50_000; index++) nodes.push(makeNode('Identity', [`v${index}`], [`v${index + 1}`]));
    nodes.push(makeNode('MatMul', ['x', 'v50000'], ['y']));
    const weights = [makeTensor('w', 'float32', [4, 4], new Float32Array(16))];
    expect(quantizeDynamic(smallModel({ nodes, ...io, weights })).report.replacedNodes).toEqual({ MatMul: 1 });
  });

  it('with constants that double at each node, or of many filled ones, take neither time nor memory', () => {
    const start = performance.now();
    const doubling = [makeNode('Identity', ['w'], ['v0'])];
    for (let index = 0; index < 60; index++) {
      doubling.push(makeNode('Concat', [`v${index}`, `v${index}`], [`v${index + 1}`], { attributes: { axis: 1 } }));
    }
    doubling.push(makeNode('MatMul', ['x', 'v60'], ['y'], { name: 'product' }));
    const weights = [makeTensor('w', 'float32', [4, 4], new Float32Array(16))];
    const { report } = quantizeDynamic(smallModel({ nodes: doubling, ...io, weights }));
    expect(report.leftNodes.map(({ node }) => node)).toEqual(['product']);
    const filling = Array.from({ length: 40 }, (_, index) => [
      makeNode('ConstantOfShape', ['shape'], [`f${index}`]),
      makeNode('MatMul', [index === 0 ? 'x' : `h${index - 1}`, `f${index}`], [index === 39 ? 'y' : `h${index}`]),
    ]).flat();
    const shape = makeTensor('shape', 'int64', [2], BigInt64Array.of(4n, 2n ** 22n));
    quantizeDynamic(smallModel({ nodes: filling, ...io, weights: [shape] }));
    expect(performance.now() - start).toBeLessThan(LONGEST_MS);
  });

  it('nested without end are refused', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quantlab-nested-'));
    for (const depth of [10, 80, 3000]) {
      // Written from the inside out, as bytes: the library that writes messages has a stack, too.
      const output = Buffer.concat([field(2, utf8('y')), field(4, utf8('Relu'))]);
      let graph: Uint8Array = Buffer.concat([field(1, output), field(12, field(1, utf8('y')))]);
      for (let level = 1; level < depth; level++) {
        const attribute = Buffer.concat([field(1, utf8('then_branch')), field(6, graph), Uint8Array.of(0xa0, 0x01, 5)]);
        const node = Buffer.concat([field(2, utf8('y')), field(4, utf8('If')), field(5, attribute)]);
        graph = Buffer.concat([field(1, node), field(12, field(1, utf8('y')))]);
      }
      const path = join(folder, 'nested.onnx');
      await writeFile(path, Buffer.concat([field(7, graph), field(8, Uint8Array.of(0x10, 17))]));
      if (depth === 10) expect(await tryFile(path, join(folder, 'output.onnx'))).toBe('model');
      else await expect(readModel(path)).rejects.toThrow(InputError);
    }
  });

  it('with many names that clash are handled', () => {
    const nodes = Array.from({ length: 5_000 }, (_, index) =>
      makeNode('MatMul', ['x', 'w'], [index === 0 ? 'y' : `v${index}`]),
    );
    const weights = [makeTensor('w', 'float32', [4, 4], new Float32Array(16))];
    const start = performance.now();
    quantizeDynamic(smallModel({ nodes, ...io, weights }));
    expect(performance.now() - start).toBeLessThan(LONGEST_MS);
  });

  it('with huge or negative dimensions are refused', () => {
    for (const dims of [[2n ** 40n, 2n ** 40n], [2n ** 62n], [-1n, 4n]]) {
      const weight = makeTensor('w', 'float32', [4, 4], new Float32Array(16));
      weight.dims = dims;
      const model = smallModel({ nodes: [makeNode('MatMul', ['x', 'w'], ['y'])], ...io, weights: [weight] });
      expect(() => quantizeDynamic(modelFromBytes(modelToBytes(model), 'huge.onnx'))).toThrow(InputError);
    }
  });
});
