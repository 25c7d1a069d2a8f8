// The shipped model is the reference: a card made anew from its graph must say what its own card says, and hear the same.
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { GraphProtoSchema, ModelProtoSchema, OperatorSetIdProtoSchema } from 'onnx-buf';
import { beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../../src/onnx/build/buildGraph.js';
import { writeModel } from '../../../src/onnx/file/write.js';
import { makeValueInfo } from '../../../src/onnx/graph/valueInfo.js';
import { initCard } from '../../../src/recognise/kinds/ctc/initCard.js';
import { Recognizer } from '../../../src/recognise/recognizer.js';
import { manifestPath } from '../../../src/recognise/registry/embedded.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';
import { unpackModel } from '../../../src/recognise/registry/unpackModel.js';
import { readAudio } from '../../../src/speech/audio/audio.js';
import { readManifest } from '../../../src/speech/corpora/manifest.js';
import { ctcModel } from '../ctcModel.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-init-'));
const tokens = (...names: readonly string[]): string => {
  const path = join(folder, `tokens-${names.length}-${names[0]?.replace(/\W/g, '')}.txt`);
  writeFileSync(path, names.map((name, id) => `${name} ${id}\n`).join(''));
  return path;
};
const LABELS = ['<blk>', '▁', 'a', 'b', 'c'];

/** One convolution of stride 4 over `x`, [N, 24, T] or [N, T] or [1, 96, 24]; scores [T′, N, 5] where `stepsFirst`, else [N, T′, 5]. */
async function small(
  name: string,
  input: readonly (number | string)[],
  { stepsFirst = false, lengths = false }: { readonly stepsFirst?: boolean; readonly lengths?: boolean } = {},
): Promise<string> {
  const graph = new GraphBuilder(7);
  const isRaw = input.length === 2;
  const bins = isRaw ? 1 : 24;
  let x = 'x';
  if (isRaw) x = graph.node('Unsqueeze', [x, graph.integers([1])], 'channels');
  else if (input[2] === 24) x = graph.node('Transpose', [x], 'by_bin', { perm: [0, 2, 1] });
  const weight = graph.random('weight', [LABELS.length, bins, 4], 0.1);
  const strided = graph.node('Conv', [x, weight], 'strided', { kernel_shape: [4], strides: [4], pads: [0, 3] });
  graph.node('Transpose', [strided], 'y', { perm: stepsFirst ? [2, 0, 1] : [0, 2, 1] });
  if (lengths) graph.node('Identity', ['sizes'], 'sizes.unused');
  const proto = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: 17n })],
    graph: create(GraphProtoSchema, {
      name: 'small',
      node: graph.nodes,
      initializer: graph.initializers,
      input: [makeValueInfo('x', 'float32', input), ...(lengths ? [makeValueInfo('sizes', 'int64', ['N'])] : [])],
      output: [makeValueInfo('y', 'float32', stepsFirst ? ['steps', 'any', 5] : ['N', 'steps', 5])],
    }),
  });
  const path = join(folder, `${name}.onnx`);
  await writeModel({ proto, path }, path);
  return path;
}

const init = async (path: string, answers: Parameters<typeof initCard>[2]): ReturnType<typeof initCard> =>
  await initCard(path, path.replace(/onnx$/, 'json'), answers);

describe('a card made from a graph', () => {
  let unpacked: string;
  beforeAll(async () => {
    const [path = ''] = await unpackModel(await resolveModel('deepspeech2-lstm'), join(folder, 'unpacked'));
    unpacked = path;
  });

  it('says what the shipped card says, and hears the same', async () => {
    const own = await ctcModel('deepspeech2-lstm');
    const labels = tokens('<blk>', ...own.card.labels.slice(1).map((label) => (label === ' ' ? '<space>' : label)));
    const card = await initCard(unpacked, join(dirname(unpacked), 'model.json'), {
      labels,
      frontEnd: 'deepspeech2',
      sampleRateHz: own.card.frontEnd.sampleRateHz,
    });
    const { tensors, frontEnd, timeStride, blank, parameters } = own.card;
    expect(card).toMatchObject({ tensors, frontEnd, timeStride, blank, labels: own.card.labels, parameters });
    expect(card.licence).toBeUndefined();
    const [utterance] = await readManifest(manifestPath('calibration'));
    const audio = await readAudio(utterance?.audioPath ?? '');
    const texts: string[] = [];
    for (const model of [own, await resolveModel(unpacked)]) {
      const recognizer = await Recognizer.load(model, { threads: 1 });
      texts.push((await recognizer.recognize(audio)).text);
      await recognizer.release();
    }
    expect(texts[0]).not.toBe('');
    expect(texts[1]).toBe(texts[0]);
  });

  it.each<[string, readonly (number | string)[], object, object, object]>([
    [
      'bands before frames, with lengths',
      ['N', 24, 'T'],
      { lengths: true },
      { frontEnd: 'nemo' },
      { tensors: { features: 'x', lengths: 'sizes', logProbabilities: 'y' }, frontEnd: { bins: 24 } },
    ],
    [
      'samples, steps first',
      ['N', 'T'],
      { stepsFirst: true },
      { frontEnd: 'wav2vec2', sampleRateHz: 8000 },
      { tensors: { scoresLayout: 'tnv' }, frontEnd: { kind: 'waveform', sampleRateHz: 8000 } },
    ],
  ])('finds %s, and the stride by a trial run', async (name, shape, form, answers, expected) => {
    const path = await small(name.replace(/\W+/g, '-'), shape, form);
    const card = await init(path, { ...answers, labels: tokens(...LABELS) });
    expect(card).toMatchObject({ ...expected, timeStride: 4, blank: 0, labels: ['', '▁', 'a', 'b', 'c'] });
    expect((await resolveModel(path)).card).toEqual(card);
  });

  it('asks for all that is missing at once, and writes nothing', async () => {
    const path = await small('fixed', [1, 96, 24]);
    const asking = init(path, {});
    for (const part of [
      /--labels FILE/,
      /--blank N/,
      /--front-end NAME.*nemo/,
      /--sample-rate HZ/,
      /--time-stride N/,
    ]) {
      await expect(asking).rejects.toThrow(part);
    }
    await expect(init(path, { frontEnd: 'kaldi', bins: 24, labels: tokens('x', 'y', 'a', 'b', 'c') })).rejects.toThrow(
      /fixed\.onnx: .*\n {2}--sample-rate HZ.*\n {2}--blank N, .*none of .*\n {2}--time-stride N/,
    );
    expect(existsSync(join(folder, 'fixed.json'))).toBe(false);
  });

  it('refuses what does not fit the graph, by name', async () => {
    const path = await small('wrong', ['N', 'T', 24]);
    const frontEnd = join(folder, 'frontEnd.json');
    writeFileSync(
      frontEnd,
      JSON.stringify({ kind: 'kaldi-fbank', windowSamples: 400, hopSamples: 160, normalisation: 'none' }),
    );
    const right = { frontEnd, sampleRateHz: 16_000, labels: tokens(...LABELS) };
    for (const [answers, message] of [
      [{ labels: tokens('<blk>', 'a') }, /with 5 labels, as many as the graph has classes; .* has 2/],
      [{ timeStride: 2 }, /--time-stride 4, since a trial run took 4 frames a step, not 2/],
      [{ blank: 5 }, /--blank N below 5, got 5/],
      [{ bins: 40 }, /shape \[N, T, 40\] was required by the card/],
      [{ frontEnd: 'whisper', sampleRateHz: 8000 }, /--sample-rate 16000, the only one of whisper/],
      [{ tensors: { fetures: 'x' } as object }, /wrong\.json: field tensors .*fetures/],
    ] as const) {
      await expect(init(path, { ...right, ...answers })).rejects.toThrow(message);
    }
    expect(existsSync(join(folder, 'wrong.json'))).toBe(false);
    expect((await init(path, right)).frontEnd).toMatchObject({ bins: 24, sampleRateHz: 16_000 });
    await expect(initCard(path, join(folder, 'sub', 'model.json'), right)).rejects.toThrow(/a place beside/);
  });
});
