/** Random networks that hear forward, run in pieces: what comes out must be what the whole gives. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDeepSpeech2 } from '../../../src/onnx/build/build.js';
import type { RecurrentCell } from '../../../src/onnx/build/buildRecurrent.js';
import { writeModel } from '../../../src/onnx/file/write.js';
import { cutSample, runInChunks } from '../../../src/process/chunks.js';
import { withPipelines } from '../../../src/process/pipeline.js';
import { fromTensors, type GraphSample, toTensors } from '../../../src/recognise/session/graphArrays.js';
import { openSession } from '../../../src/recognise/session/session.js';
import { arrayFeeds } from '../../../src/tune/arrays/onArrays.js';
import { benchPipelines } from '../../../src/tune/split/benchPipelines.js';
import { readSplit } from '../../../src/tune/split/splitFolder.js';
import { splitModel, splitModelDirections } from '../../../src/tune/split/splitModel.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-chunks-'));
});
afterAll(async () => await rm(folder, { recursive: true }));

const SMALL = { layers: 3, units: 24, bins: 16, classes: 5 } as const;
const OUTPUTS = ['log_probabilities', 'output_lengths'];
const feeds = arrayFeeds({ samples: 2, dims: { N: 1, T: 37 }, values: { lengths: 37 } });

async function made(cell: RecurrentCell, name: string): Promise<{ path: string; out: string }> {
  const [path, out] = [join(folder, `${name}.onnx`), join(folder, name)];
  await writeModel(buildDeepSpeech2({ ...SMALL, cell, causal: true }), path);
  await splitModel(path, out, { stages: 2, feedsOf: null, carry: true });
  return { path, out };
}

describe.each(['lstm', 'gru', 'rnn'] as const)('%s', (cell) => {
  it('gives in pieces through a pipeline what it gives whole, recording after recording', async () => {
    const { path, out } = await made(cell, cell);
    const rows = await benchPipelines(path, [out], { feedsOf: feeds, cores: 2, rounds: 1, chunk: 10 });
    expect(rows.map(({ stages, chunk }) => [stages, chunk])).toEqual([
      [1, null],
      [1, null],
      [2, null],
      [2, 10],
    ]);
    // Log-probabilities are of the order of 1 to 10: 110 dB.
    for (const { largestDifference } of rows) expect(largestDifference).toBeLessThan(1e-5);
  }, 60_000);
});

it('goes on where the piece before ended, and begins anew with a recording', async () => {
  const { path, out } = await made('lstm', 'pieces');
  const session = await openSession(path, { threads: 1 });
  let sample: GraphSample = {};
  for await (const one of feeds(session)) sample = fromTensors(one);
  const whole = fromTensors(await session.run(toTensors(sample)))['log_probabilities']?.data as Float32Array;
  await session.release();
  const { stages } = await readSplit(out);
  expect(stages.flatMap(({ carried }) => carried ?? [])).toHaveLength(6);
  const files = stages.map(({ file, ...stage }) => ({ ...stage, path: join(out, file) }));
  await withPipelines(files, { outputs: OUTPUTS }, async ([pipeline]) => {
    if (pipeline === undefined) throw new Error('a pipeline was required');
    const farthest = (data: ArrayLike<number>, from: number): number =>
      Math.max(...Array.from(data, (value, at) => Math.abs(value - (whole[from + at] ?? Number.NaN))));
    const pieces = cutSample(sample, 20);
    expect(pieces.map((piece) => piece['features']?.shape)).toEqual([
      [1, 20, 16],
      [1, 17, 16],
    ]);
    const second = pieces[1] as GraphSample;
    const begin = 20 * SMALL.classes;
    const alone = (await pipeline.run(second)).outputs['log_probabilities']?.data as Float32Array;
    expect(farthest(alone, begin)).toBeGreaterThan(0.01);
    await pipeline.run(pieces[0] as GraphSample);
    const after = await pipeline.run(second, { fresh: false });
    expect(farthest(after.outputs['log_probabilities']?.data as Float32Array, begin)).toBeLessThan(1e-5);
    const { outputs } = await runInChunks(pipeline, sample, 9);
    expect(outputs['log_probabilities']?.shape).toEqual([1, 37, 5]);
    expect(farthest(outputs['log_probabilities']?.data as Float32Array, 0)).toBeLessThan(1e-5);
  });
}, 60_000);

it('is refused of networks that hear in both directions or by convolutions, and of splits that carry nothing', async () => {
  const path = join(folder, 'both.onnx');
  await writeModel(buildDeepSpeech2({ ...SMALL, channels: 2 }), path);
  const never = { stages: 2, feedsOf: null, carry: true } as const;
  await expect(splitModel(path, join(folder, 'never'), never)).rejects.toThrow(
    /in one direction, step by step, were required, got .*; run it on whole recordings/,
  );
  const { path: causal } = await made('gru', 'carrying');
  const plain = join(folder, 'plain');
  await splitModel(causal, plain, { stages: 2, feedsOf: null });
  await expect(benchPipelines(causal, [plain], { feedsOf: feeds, rounds: 1, chunk: 10 })).rejects.toThrow(
    /split it with --carry/,
  );
}, 60_000);

describe('the two directions of layers', () => {
  it.each(['lstm', 'gru', 'rnn'] as const)(
    'of a %s run in processes of their own, and give the same',
    async (cell) => {
      const [path, out] = [join(folder, `both-${cell}.onnx`), join(folder, `both-${cell}`)];
      await writeModel(buildDeepSpeech2({ ...SMALL, cell, channels: 2, bins: 21 }), path);
      const { stages } = await splitModelDirections(path, out);
      expect(stages).toHaveLength(2 * SMALL.layers + 1);
      // Every direction of a layer reads both of the layer before.
      expect(stages[2]?.inputs).toEqual(stages[3]?.inputs);
      expect(stages[2]?.inputs).toContain(stages[1]?.outputs[0]);
      const rows = await benchPipelines(path, [out], { feedsOf: feeds, cores: 2, rounds: 1 });
      expect(rows.at(-1)).toMatchObject({ stages: 7, largestDifference: 0 });
    },
    60_000,
  );

  it('are two everywhere, or it is said which are not', async () => {
    const { path } = await made('lstm', 'forward');
    await expect(splitModelDirections(path, join(folder, 'none'))).rejects.toThrow(
      /both directions were required, got none/,
    );
  });
});
