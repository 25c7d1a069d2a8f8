// Graphs that give a log-softmax of what they read, in the types and shapes that exports have: expected values are those of the features.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { GraphProtoSchema, ModelProtoSchema, OperatorSetIdProtoSchema, type ValueInfoProto } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../../src/errors.js';
import { GraphBuilder } from '../../../../src/onnx/build/buildGraph.js';
import { writeModel } from '../../../../src/onnx/file/write.js';
import { makeValueInfo } from '../../../../src/onnx/graph/valueInfo.js';
import { DTYPE_CODE } from '../../../../src/onnx/tensor/dtype.js';
import { makeTensor } from '../../../../src/onnx/tensor/tensor.js';
import type { CardTensors, CtcCard } from '../../../../src/recognise/kinds/ctc/card.js';
import { Recognizer } from '../../../../src/recognise/recognizer.js';
import { transcribe } from '../../../../src/recognise/transcribe.js';
import { createFrontEnd } from '../../../../src/speech/features/features.js';
import type { Audio, LogMelFrontEnd } from '../../../../src/speech/types.js';
import { scoresOf, stagesOf } from '../../ctcModel.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-tensors-'));
const BINS = 5;
const frontEnd: LogMelFrontEnd = {
  kind: 'log-mel',
  sampleRateHz: 16_000,
  fftSamples: 512,
  windowSamples: 400,
  hopSamples: 160,
  window: 'hann',
  bins: BINS,
  melScale: 'slaney',
  logGuard: 2 ** -24,
  normalisation: 'per-feature',
};

interface Made {
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly tensors?: Partial<CardTensors>;
  readonly labels?: readonly string[];
  readonly timeStride?: number;
  /** Adds the nodes from `x` to `y`. */
  readonly nodes: (graph: GraphBuilder) => void;
}

async function load(name: string, made: Made): Promise<Recognizer> {
  const graph = new GraphBuilder(7);
  made.nodes(graph);
  const proto = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: 17n })],
    graph: create(GraphProtoSchema, {
      name,
      node: graph.nodes,
      initializer: graph.initializers,
      input: [...made.inputs],
      output: [...made.outputs],
    }),
  });
  const path = join(folder, `${name.replace(/\W+/g, '-')}.onnx`);
  await writeModel({ proto, path }, path);
  const file = { path: 'x', sha256: '0'.repeat(64), sizeBytes: 1 };
  const card: CtcCard = {
    schema: 'quantlab.model-card/2',
    kind: 'ctc',
    id: 'small',
    title: name,
    network: 'none',
    parameters: 1,
    graphs: { model: { file } },
    frontEnd,
    tensors: { features: 'x', logProbabilities: 'y', ...made.tensors },
    labels: made.labels ?? ['', 'a', 'b', 'c', ' '],
    blank: 0,
    timeStride: made.timeStride ?? 1,
    licence: 'MIT',
    trainingData: [],
    intendedUse: 'tests',
    limits: 'it recognizes nothing',
    figures: [],
  };
  return await Recognizer.load({ card, path, graphs: { model: path } }, { threads: 1 });
}

const sound = (seconds: number, pitch: number): Audio => ({
  samples: Float32Array.from({ length: seconds * 16_000 }, (_, n) => Math.sin(n * n * pitch) * Math.sin(n / 900)),
  sampleRateHz: 16_000,
});
const AUDIOS = [sound(1, 1e-5), sound(0.61, 2e-5)] as const;

/** The log-softmax of each frame, in double precision. */
async function expectedOf(audio: Audio): Promise<number[]> {
  const { data, frames } = (await createFrontEnd(frontEnd)).compute(audio);
  return Array.from({ length: frames }, (_, frame) => {
    const row = Array.from(data.subarray(frame * BINS, (frame + 1) * BINS));
    const normaliser = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
    return row.map((value) => value - normaliser);
  }).flat();
}

async function expectRight(recognizer: Recognizer, tolerance = 1e-5): Promise<void> {
  const together = await scoresOf(recognizer, AUDIOS);
  for (const [index, audio] of AUDIOS.entries()) {
    const expected = await expectedOf(audio);
    const [alone] = await scoresOf(recognizer, [audio]);
    for (const found of [alone, together[index]]) {
      expect(found?.data.length).toBe(expected.length);
      const differences = expected.map((value, at) => Math.abs(value - (found?.data[at] ?? Number.NaN)));
      expect(Math.max(...differences)).toBeLessThan(tolerance);
    }
    const { words } = await recognizer.recognize(audio);
    for (const { confidence } of words ?? []) expect(confidence).toBeLessThanOrEqual(1);
  }
  await recognizer.release();
}

const X = makeValueInfo('x', 'float32', ['N', 'T', BINS]);
const Y = makeValueInfo('y', 'float32', ['N', 'T', BINS]);
const LENGTHS = makeValueInfo('lengths', 'int64', ['N']);
const softmax = (graph: GraphBuilder): void => {
  graph.node('LogSoftmax', ['x'], 'y', { axis: -1 });
};
/** An input that nothing reads would be taken away. */
const keepLengths = (graph: GraphBuilder): void => {
  graph.node('Identity', ['lengths'], 'lengths.unused');
};
const batches = { lengths: 'lengths' } as const;

describe('what a graph’s scores are', () => {
  it.each([
    ['log-probabilities', 'LogSoftmax'],
    ['probabilities', 'Softmax'],
    ['logits', 'Identity'],
  ] as const)('%s are told from the scores, or by the card', async (scores, opType) => {
    for (const said of [undefined, scores]) {
      const made = {
        inputs: [X, LENGTHS],
        outputs: [Y],
        tensors: { ...batches, scores: said },
        nodes: (graph: GraphBuilder) => {
          keepLengths(graph);
          graph.node(opType, ['x'], 'y', opType === 'Identity' ? {} : { axis: -1 });
        },
      };
      await expectRight(await load(`${scores} ${said}`, made), 1e-4);
    }
  });

  it.each([
    ['log-probabilities', 'Identity', 'logits'],
    ['log-probabilities', 'Softmax', 'probabilities'],
    ['probabilities', 'LogSoftmax', 'log-probabilities'],
    ['probabilities', 'Identity', 'logits'],
  ] as const)('refuses %s of a graph that ends in %s, and says that they are %s', async (scores, opType, meant) => {
    const recognizer = await load(`${scores} of ${opType}`, {
      inputs: [X],
      outputs: [Y],
      tensors: { scores },
      nodes: (graph) => graph.node(opType, ['x'], 'y', opType === 'Identity' ? {} : { axis: -1 }),
    });
    const heard = recognizer.recognize(AUDIOS[0]);
    await expect(heard).rejects.toThrow(InputError);
    await expect(heard).rejects.toThrow(
      new RegExp(`onnx: y: ${scores} that sum to 1 in each step were required by the card, got .*"scores": "${meant}"`),
    );
    await recognizer.release();
  });

  it.each([
    ['NaN', Number.NaN, /finite scores were required, got NaN in step 0/],
    ['infinity', Number.POSITIVE_INFINITY, /got infinity in step 0/],
    ['nothing finite', Number.NEGATIVE_INFINITY, /got (NaN|minus infinity only) in step 0/],
  ])('refuses %s', async (name, value, message) => {
    const recognizer = await load(name, {
      inputs: [X],
      outputs: [Y],
      nodes: (graph) => {
        graph.initializers.push(makeTensor('spoilt', 'float32', [1], Float32Array.of(value)));
        // Minus infinity everywhere, or one class that is spoilt.
        if (value === Number.NEGATIVE_INFINITY) {
          graph.node('Mul', ['x', 'zero'], 'nothing');
          graph.initializers.push(makeTensor('zero', 'float32', [1], Float32Array.of(0)));
          graph.node('Add', ['nothing', 'spoilt'], 'y');
        } else {
          graph.initializers.push(makeTensor('mask', 'float32', [BINS], Float32Array.of(0, 0, 0, 0, value)));
          graph.node('Add', ['x', 'mask'], 'y');
        }
      },
    });
    await expect(recognizer.recognize(AUDIOS[0])).rejects.toThrow(message);
    await recognizer.release();
  });
});

describe('types and layouts of a graph’s tensors', () => {
  it.each(['float16', 'float64'] as const)('reads and gives %s', async (dtype) => {
    const made: Made = {
      inputs: [makeValueInfo('x', dtype, ['N', 'T', BINS]), LENGTHS],
      outputs: [makeValueInfo('y', dtype, ['N', 'T', BINS])],
      tensors: batches,
      nodes: (graph) => {
        keepLengths(graph);
        graph.node('Cast', ['x'], 'x32', { to: DTYPE_CODE.float32 });
        graph.node('LogSoftmax', ['x32'], 'y32', { axis: -1 });
        graph.node('Cast', ['y32'], 'y', { to: DTYPE_CODE[dtype] });
      },
    };
    // Half precision: 11 bits of numbers below 8.
    await expectRight(await load(dtype, made), dtype === 'float16' ? 8 * 2 ** -10 : 1e-5);
  });

  it.each<[string, string[], (string | number)[], number[], (string | number)[], number[]]>([
    ['bands before frames', ['nft'], ['N', BINS, 'T'], [0, 2, 1], ['N', 'T', BINS], []],
    ['a channel before them', ['nft'], ['N', 1, BINS, 'T'], [0, 3, 2, 1], ['N', 'T', BINS], []],
    ['frames first', ['tnf'], ['T', 'N', BINS], [1, 0, 2], ['N', 'T', BINS], []],
    ['steps first', [], ['N', 'T', BINS], [], ['T', 'N', BINS], [1, 0, 2]],
    ['classes before steps', [], ['N', 'T', BINS], [], ['N', BINS, 'T'], [0, 2, 1]],
  ])('%s', async (name, said, input, turn, output, turnBack) => {
    const [layout] = said as CardTensors['featuresLayout'][];
    const made: Made = {
      inputs: [makeValueInfo('x', 'float32', input), LENGTHS],
      outputs: [makeValueInfo('y', 'float32', output)],
      tensors: { ...batches, ...(layout === 'tnf' ? { featuresLayout: layout } : {}) },
      nodes: (graph) => {
        keepLengths(graph);
        if (turn.length > 0) graph.node('Transpose', ['x'], 'turned', { perm: turn });
        else graph.node('Identity', ['x'], 'turned');
        if (turn.length === 4) graph.node('Squeeze', ['turned', graph.integers([3])], 'rows');
        else graph.node('Identity', ['turned'], 'rows');
        graph.node('LogSoftmax', ['rows'], 'scores', { axis: -1 });
        if (turnBack.length > 0) graph.node('Transpose', ['scores'], 'y', { perm: turnBack });
        else graph.node('Identity', ['scores'], 'y');
      },
    };
    await expectRight(await load(name, made));
  });

  it('steps first without names of axes: alone by its shape, together only where that is clear', async () => {
    const nodes = (graph: GraphBuilder): void => {
      keepLengths(graph);
      graph.node('LogSoftmax', ['x'], 'scores', { axis: -1 });
      graph.node('Transpose', ['scores'], 'y', { perm: [1, 0, 2] });
    };
    const made: Made = {
      inputs: [makeValueInfo('x', 'float32', ['', '', BINS]), LENGTHS],
      outputs: [makeValueInfo('y', 'float32', ['', '', BINS])],
      tensors: batches,
      nodes,
    };
    const recognizer = await load('unnamed', made);
    const [alone] = await scoresOf(recognizer, [AUDIOS[0]]);
    expect(alone?.data[7]).toBeCloseTo((await expectedOf(AUDIOS[0]))[7] ?? Number.NaN, 5);
    await expect(scoresOf(recognizer, AUDIOS)).rejects.toThrow(/in the order ntv .*mend scoresLayout/);
    const two = { data: new Float32Array(2 * BINS), frames: 2, bins: BINS };
    await expect(stagesOf(recognizer).infer([two, two])).rejects.toThrow(/write "scoresLayout" into the card/);
    await recognizer.release();
    const tensors = { ...batches, scoresLayout: 'tnv' } as const;
    await expectRight(await load('said', { ...made, tensors }));
  });

  it('without an axis of recordings', async () => {
    const made: Made = {
      inputs: [X],
      outputs: [makeValueInfo('y', 'float32', ['T', BINS])],
      nodes: (graph) => {
        graph.node('LogSoftmax', ['x'], 'scores', { axis: -1 });
        graph.node('Squeeze', ['scores', graph.integers([0])], 'y');
      },
    };
    await expectRight(await load('two axes', made));
  });
});

describe('masks and fixed lengths', () => {
  it.each(['int64', 'int32', 'float32', 'bool'] as const)('an attention_mask of %s is filled in', async (dtype) => {
    const made: Made = {
      inputs: [X, makeValueInfo('attention_mask', dtype, ['N', 'T'])],
      outputs: [Y, makeValueInfo('steps', 'int64', ['N'])],
      tensors: { outputLengths: 'steps' },
      nodes: (graph) => {
        graph.node('Cast', ['attention_mask'], 'whole', { to: DTYPE_CODE.int64 });
        graph.node('ReduceSum', ['whole', graph.integers([1])], 'steps', { keepdims: 0 });
        softmax(graph);
      },
    };
    await expectRight(await load(`mask ${dtype}`, made));
  });

  it('a graph of fixed length and one recording gets padded ones, and refuses longer ones in a line', async () => {
    const frames = 130;
    const made: Made = {
      inputs: [makeValueInfo('x', 'float32', [1, frames, BINS])],
      outputs: [makeValueInfo('y', 'float32', [1, frames, BINS])],
      nodes: softmax,
    };
    await expectRight(await load('fixed', made));
    const recognizer = await load('fixed', made);
    await expect(recognizer.recognize(sound(1.5, 1e-5))).rejects.toThrow(
      /fixed\.onnx: 130 frames at most were required, since its graph has a fixed length, got 151; cut the recording/,
    );
    await recognizer.release();
  });
});

describe('a graph of fixed length and a longer recording', () => {
  it('is cut into segments that the graph hears', async () => {
    const frames = 401;
    const recognizer = await load('four seconds', {
      inputs: [makeValueInfo('x', 'float32', [1, frames, BINS])],
      outputs: [makeValueInfo('y', 'float32', [1, frames, BINS])],
      nodes: softmax,
    });
    expect(recognizer.longestS).toBe(4);
    const { segments, audioS } = await transcribe(recognizer, [sound(11, 1e-6)]);
    expect(audioS).toBeCloseTo(11, 6);
    expect(segments.length).toBeGreaterThan(2);
    for (const { startS, endS } of segments) expect(endS - startS).toBeLessThanOrEqual(4);
    await recognizer.release();
  });
});

describe('graphs that do not fit their card', () => {
  it.each<[string, Partial<Made>, RegExp]>([
    ['more inputs', { inputs: [X, LENGTHS] }, /no inputs but x were required, got also lengths; name them as lengths/],
    [
      'other bands',
      { inputs: [makeValueInfo('x', 'float32', ['N', 'T', 80])] },
      /shape \[N, T, 5\] .* got \[N, T, 80\]/,
    ],
    [
      'whole numbers',
      {
        inputs: [makeValueInfo('x', 'int64', ['N', 'T', BINS])],
        nodes: (graph) => {
          graph.node('Cast', ['x'], 'float', { to: DTYPE_CODE.float32 });
          graph.node('LogSoftmax', ['float'], 'y', { axis: -1 });
        },
      },
      /float32, .* was required of the input x, got int64/,
    ],
    ['four at a time', { inputs: [makeValueInfo('x', 'float32', [4, 'T', BINS])] }, /got one for 4 at a time/],
    [
      'other classes',
      { labels: ['', 'a', 'b'] },
      /output y of 3 classes, .* got one of shape \[N, T, 5\]; mend the labels/,
    ],
    ['another stride', { timeStride: 4 }, /timeStride of 4, got 101; mend timeStride \(1 fits\)/],
    [
      'lengths that are none',
      {
        outputs: [Y, makeValueInfo('steps', 'int64', [1])],
        tensors: { outputLengths: 'steps' },
        nodes: (graph) => {
          softmax(graph);
          graph.initializers.push(makeTensor('far', 'int64', [1], BigInt64Array.of(-3n)));
          graph.node('Identity', ['far'], 'steps');
        },
      },
      /lengths of 0…101 steps were required in steps, got -3; mend outputLengths/,
    ],
    [
      'a node that fails',
      {
        nodes: (graph) => {
          graph.node('Reshape', ['x', graph.integers([1, -1, 7])], 'odd');
          graph.node('Identity', ['odd'], 'y');
        },
        labels: ['', 'a', 'b', 'c', 'd', 'e', 'f'],
        outputs: [makeValueInfo('y', 'float32', ['N', 'T', 7])],
      },
      /^[^\n]*a graph that runs on these inputs was required, got: [^\n]*Reshape[^\n]*; mend the tensors[^\n]*$/,
    ],
  ])('%s: one line that names the file', async (name, change, message) => {
    const made: Made = { inputs: [X], outputs: [Y], nodes: softmax, ...change };
    const heard = async (): Promise<void> => {
      const recognizer = await load(name, made);
      try {
        await recognizer.recognize(AUDIOS[0]);
      } finally {
        await recognizer.release();
      }
    };
    await expect(heard()).rejects.toThrow(InputError);
    await expect(heard()).rejects.toThrow(message);
    await expect(heard()).rejects.toThrow(new RegExp(`${name.replace(/\W+/g, '-')}\\.onnx: `));
  });
});
