// Cards of models that come from elsewhere: small networks with seeded weights, end to end.
import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { GraphProtoSchema, ModelProtoSchema, OperatorSetIdProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../../../src/onnx/build/buildGraph.js';
import { writeModel } from '../../../../src/onnx/file/write.js';
import { makeValueInfo } from '../../../../src/onnx/graph/valueInfo.js';
import { DTYPE_CODE } from '../../../../src/onnx/tensor/dtype.js';
import type { CardTensors, CtcCard } from '../../../../src/recognise/kinds/ctc/card.js';
import { Recognizer } from '../../../../src/recognise/recognizer.js';
import { resolveModel } from '../../../../src/recognise/registry/registry.js';
import { decodeGreedy } from '../../../../src/speech/decode/ctc.js';
import { createFrontEnd } from '../../../../src/speech/features/features.js';
import type { Audio, FrontEnd } from '../../../../src/speech/types.js';
import { scoresOf } from '../../ctcModel.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-layouts-'));

const melFrontEnd: FrontEnd = {
  kind: 'log-mel',
  sampleRateHz: 16_000,
  fftSamples: 512,
  windowSamples: 400,
  hopSamples: 160,
  window: 'hann',
  bins: 24,
  melScale: 'slaney',
  logGuard: 2 ** -24,
  preemphasis: 0.97,
  normalisation: 'per-feature',
  dropLastFrame: true,
};

const rawFrontEnd: FrontEnd = { kind: 'waveform', sampleRateHz: 16_000, normalisation: 'utterance' };

/** What differs between the models that are tried. */
interface Shape {
  readonly name: string;
  readonly frontEnd: FrontEnd;
  readonly tensors: CardTensors;
  readonly labels: readonly string[];
  readonly blank: number;
  readonly timeStride: number;
}

const LABELS = [' ', 'a', 'b', 'c', ''];

const shapes: readonly Shape[] = [
  {
    name: 'NeMo: bands before frames, no output lengths, blank last, low lines',
    frontEnd: melFrontEnd,
    tensors: {
      features: 'audio_signal',
      featuresLayout: 'nft',
      lengths: 'length',
      logProbabilities: 'logprobs',
    },
    labels: ['▁', '▁a', 'b', 'c', ''],
    blank: 4,
    timeStride: 2,
  },
  {
    name: 'wav2vec 2.0: samples, no lengths at all, logits, bars',
    frontEnd: rawFrontEnd,
    tensors: { features: 'input_values', logProbabilities: 'logits', scores: 'logits' },
    labels: ['', '', 'a', 'b', '|'],
    blank: 0,
    timeStride: 320,
  },
  ...(['int32', 'float32', 'relative'] as const).map((lengthsType) => ({
    name: `lengths that are ${lengthsType}`,
    frontEnd: melFrontEnd,
    tensors: {
      features: 'x',
      lengths: 'sizes',
      lengthsType,
      logProbabilities: 'y',
      outputLengths: 'steps',
    },
    labels: LABELS,
    blank: 4,
    timeStride: 2,
  })),
];

/**
 * One strided convolution over time, and, where the card says so, a log-softmax; step t reads the frames from t · stride
 * on. Lengths only become output lengths: of `relative` ones, the part of all frames.
 */
async function build({ name, frontEnd, tensors, labels, blank, timeStride }: Shape): Promise<string> {
  const graph = new GraphBuilder(7);
  const raw = frontEnd.kind === 'waveform';
  const bins = raw ? 1 : frontEnd.bins;
  const layout = raw ? 'nt' : (tensors.featuresLayout ?? 'ntf');
  let x = tensors.features;
  if (layout === 'nt') x = graph.node('Unsqueeze', [x, graph.integers([1])], 'channels');
  if (layout === 'ntf') x = graph.node('Transpose', [x], 'by_bin', { perm: [0, 2, 1] });
  const weight = graph.random('weight', [labels.length, bins, timeStride], 30 / (bins * timeStride));
  const strided = graph.node('Conv', [x, weight], 'strided', {
    kernel_shape: [timeStride],
    strides: [timeStride],
    pads: [0, timeStride - 1],
  });
  const logits = tensors.scores === 'logits';
  const turned = graph.node('Transpose', [strided], logits ? tensors.logProbabilities : 'turned', { perm: [0, 2, 1] });
  if (!logits) graph.node('LogSoftmax', [turned], tensors.logProbabilities, { axis: -1 });
  const dtype = { int64: 'int64', int32: 'int32', float32: 'float32', relative: 'float32' } as const;
  const lengthDtype = dtype[tensors.lengthsType ?? 'int64'];
  if (tensors.lengths !== undefined && tensors.outputLengths !== undefined) {
    let frames = tensors.lengths;
    if (tensors.lengthsType === 'relative') {
      const shape = graph.node('Shape', [tensors.features], 'shape');
      const count = graph.node('Gather', [shape, graph.integers(1)], 'count', { axis: 0 });
      const float = graph.node('Cast', [count], 'count.float', { to: DTYPE_CODE.float32 });
      frames = graph.node('Round', [graph.node('Mul', [frames, float], 'frames.exact')], 'frames');
    }
    const whole = graph.node('Cast', [frames], 'frames.int64', { to: DTYPE_CODE.int64 });
    const up = graph.node('Add', [whole, graph.integers(timeStride - 1)], 'frames.up');
    graph.node('Div', [up, graph.integers(timeStride)], tensors.outputLengths);
  } else if (tensors.lengths !== undefined) {
    // An input that nothing reads would be taken away.
    graph.node('Identity', [tensors.lengths], 'lengths.unused');
  }
  const features = layout === 'nt' ? ['N', 'T'] : layout === 'nft' ? ['N', bins, 'T'] : ['N', 'T', bins];
  const proto = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: 17n })],
    graph: create(GraphProtoSchema, {
      name: 'small',
      node: graph.nodes,
      initializer: graph.initializers,
      input: [
        makeValueInfo(tensors.features, 'float32', features),
        ...(tensors.lengths === undefined ? [] : [makeValueInfo(tensors.lengths, lengthDtype, ['N'])]),
      ],
      output: [
        makeValueInfo(tensors.logProbabilities, 'float32', ['N', 'steps', labels.length]),
        ...(tensors.outputLengths === undefined ? [] : [makeValueInfo(tensors.outputLengths, 'int64', ['N'])]),
      ],
    }),
  });
  const path = join(folder, `${name.replace(/\W+/g, '-')}.onnx`);
  await writeModel({ proto, path }, path);
  const sha256 = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  const file = { path: path.split('/').at(-1) ?? '', sha256, sizeBytes: (await stat(path)).size };
  const card: CtcCard = {
    schema: 'quantlab.model-card/2',
    kind: 'ctc',
    id: 'small',
    title: name,
    network: 'one strided convolution',
    parameters: labels.length * bins * timeStride,
    graphs: { model: { file } },
    frontEnd,
    tensors,
    labels,
    blank,
    timeStride,
    licence: 'MIT',
    trainingData: [],
    intendedUse: 'tests',
    limits: 'it recognizes nothing',
    figures: [],
  };
  await writeFile(path.replace(/onnx$/, 'json'), JSON.stringify(card));
  return path;
}

const sound = (seconds: number, pitch: number): Audio => ({
  samples: Float32Array.from({ length: seconds * 16_000 }, (_, n) => Math.sin(n * n * pitch) * Math.sin(n / 900)),
  sampleRateHz: 16_000,
});

describe.each(shapes)('a card: $name', (shape) => {
  it('runs its model, alone and in a batch, with its own front end and labels', async () => {
    const recognizer = await Recognizer.load(await resolveModel(await build(shape)), {
      threads: 1,
      decoder: { wordTimes: true },
    });
    const audios = [sound(1, 1e-5), sound(0.61, 2e-5)];
    const frontEnd = await createFrontEnd(shape.frontEnd);
    const together = await scoresOf(recognizer, audios);
    const { decodings } = await recognizer.recognizeBatch(audios);
    for (const [index, audio] of audios.entries()) {
      const { frames } = frontEnd.compute(audio);
      const [alone] = await scoresOf(recognizer, [audio]);
      expect(together[index]?.steps).toBe(Math.ceil(frames / shape.timeStride));
      expect(alone?.steps).toBe(together[index]?.steps);
      const differences = alone?.data.map((value, at) => Math.abs(value - (together[index]?.data[at] ?? Number.NaN)));
      expect(Math.max(...(differences ?? [Number.NaN]))).toBeLessThan(1e-4);
      // Logarithms of probabilities: each step sums to one.
      for (let step = 0; step < (alone?.steps ?? 0); step += 7) {
        const row = alone?.data.subarray(step * shape.labels.length, (step + 1) * shape.labels.length) ?? [];
        expect(Array.from(row, Math.exp).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
      }
      const heard = decodings[index];
      const expected = decodeGreedy(alone?.data ?? new Float32Array(), alone?.steps ?? 0, shape.labels, shape.blank);
      expect(heard?.text).toBe(expected.text);
      expect(heard?.text).toMatch(/^[abc]+( [abc]+)*$/);
      expect(heard?.words?.map(({ word }) => word).join(' ')).toBe(heard?.text);
      expect(heard?.words?.at(-1)?.endS).toBeLessThanOrEqual(audio.samples.length / 16_000 + 0.02);
      expect(heard?.words?.at(-1)?.endS).toBeGreaterThan(0.5 * (audio.samples.length / 16_000));
    }
    await recognizer.release();
  });
});

describe('a graph’s outputs', () => {
  const [nemo, raw] = shapes as [Shape, Shape];

  it('are computed from the features that the card describes', async () => {
    const path = await build(raw);
    const recognizer = await Recognizer.load(await resolveModel(path), { threads: 1 });
    const audio = sound(0.1, 1e-5);
    const [scores] = await scoresOf(recognizer, [audio]);
    const doubled = { ...audio, samples: audio.samples.map((sample) => 2 * sample) };
    const [louder] = await scoresOf(recognizer, [doubled]);
    // Zero mean and unit variance: loudness does not count.
    scores?.data.forEach((value, i) => {
      expect(value).toBeCloseTo(louder?.data[i] ?? Number.NaN, 3);
    });
    await recognizer.release();
  });

  it('must be those of the card', async () => {
    const path = await build(nemo);
    const cardPath = path.replace(/onnx$/, 'json');
    const card = JSON.parse(await readFile(cardPath, 'utf8')) as CtcCard;
    const missing = { ...card, tensors: { ...card.tensors, outputLengths: 'encoded_lengths' } };
    await expect(Recognizer.load({ card: missing, path, graphs: { model: path } })).rejects.toThrow(
      /outputs named encoded_lengths were required/,
    );
    const write = async (changed: unknown) => await writeFile(cardPath, JSON.stringify(changed));
    await write({ ...card, tensors: { ...card.tensors, featuresLayout: 'tfn' } });
    await expect(resolveModel(path)).rejects.toThrow(/field tensors.featuresLayout/);
    await write({ ...card, tensors: { ...card.tensors, featuresLayout: 'nt' } });
    await expect(resolveModel(path)).rejects.toThrow(/`nt` belongs to a waveform/);
    await write({ ...card, frontEnd: { ...card.frontEnd, kind: 'mfcc' } });
    await expect(resolveModel(path)).rejects.toThrow(/field frontEnd.kind/);
    await write({ ...card, frontEnd: { ...card.frontEnd, padSamples: 3 } });
    await expect(resolveModel(path)).rejects.toThrow(/frontEnd/);
  });
});
