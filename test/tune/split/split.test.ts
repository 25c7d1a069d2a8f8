/** A shipped model, split and run by a process for each stage. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256OfFile } from '../../../src/files.js';
import { writeModel } from '../../../src/onnx/file/write.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { coresOf, coresToPin } from '../../../src/process/cores.js';
import { type PipelineStage, withPipelines } from '../../../src/process/pipeline.js';
import { graphOf } from '../../../src/recognise/model.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';
import { fromTensors, type GraphSample, toTensors } from '../../../src/recognise/session/graphArrays.js';
import { openSession } from '../../../src/recognise/session/session.js';
import { arrayFeeds } from '../../../src/tune/arrays/onArrays.js';
import { benchPipelines } from '../../../src/tune/split/benchPipelines.js';
import { readSplit, type SplitReport } from '../../../src/tune/split/splitFolder.js';
import { splitModel } from '../../../src/tune/split/splitModel.js';
import { quantlab } from '../../cli/terminal.js';
import { smallModel } from '../../onnx/smallModels.js';

let folder: string;
let path: string;
let halves: string;
let report: SplitReport;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-split-'));
  path = graphOf(await resolveModel('deepspeech2-lstm')).path;
  halves = join(folder, 'halves');
  report = await splitModel(path, halves, { stages: 2, feedsOf: feeds(), threads: 1 });
}, 120_000);
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Random features, all of them sound: `lengths` counts frames. */
function feeds(samples = 1) {
  return arrayFeeds({ samples, values: { lengths: 128 } });
}

async function samplesOf(count: number): Promise<readonly GraphSample[]> {
  const session = await openSession(path, { threads: 1 });
  const samples: GraphSample[] = [];
  for await (const one of feeds(count)(session)) samples.push(fromTensors(one));
  await session.release();
  return samples;
}

const stagesOf = (where: string, { stages }: SplitReport): readonly PipelineStage[] =>
  stages.map(({ file, inputs, outputs }) => ({ path: join(where, file), inputs, outputs }));

describe('splitModel', () => {
  it('tells what each stage takes and what crosses, and writes what it tells', async () => {
    expect(report.sourceSha256).toBe(await sha256OfFile(path));
    expect((await readdir(halves)).sort()).toEqual(['split.json', 'stage-1.onnx', 'stage-2.onnx']);
    expect(await readSplit(halves)).toEqual(report);
    const times = report.stages.map(({ timeMs }) => timeMs ?? 0);
    expect(Math.min(...times)).toBeGreaterThan(0);
    expect(report.cuts).toHaveLength(1);
    expect(report.cuts[0]?.bytes).toBeGreaterThan(1000);
    expect(report.cuts[0]?.values.map(({ dtype }) => dtype)).toContain('float32');
  });

  it('splits by weights without running anything', async () => {
    const out = join(folder, 'byWeights');
    const { stages, cuts } = await splitModel(path, out, { stages: 3, feedsOf: null });
    expect(stages.map(({ timeMs }) => timeMs)).toEqual([null, null, null]);
    expect(cuts.map(({ bytes }) => bytes)).toEqual([null, null]);
    const whole = stages.reduce((sum, { weightBytes }) => sum + weightBytes, 0);
    // Three LSTM layers are nearly all of it.
    for (const { weightBytes } of stages) expect(weightBytes / whole).toBeLessThan(0.45);
  });

  it('refuses what cannot be split, and leaves nothing behind', async () => {
    const out = join(folder, 'never');
    const two = join(folder, 'two.onnx');
    await writeModel(
      smallModel({
        nodes: [
          makeNode('SequenceConstruct', ['x'], ['s']),
          makeNode('ConcatFromSequence', ['s'], ['y'], { attributes: { axis: 0 } }),
        ],
        inputs: { x: ['float32', [2]] },
        outputs: { y: ['float32', [2]] },
      }),
      two,
    );
    for (const feedsOf of [arrayFeeds({}), null]) {
      await expect(splitModel(two, out, { stages: 3, feedsOf })).rejects.toThrow(
        /two\.onnx: a node for each of 3 stages was required, got 2 nodes/,
      );
      await expect(splitModel(two, out, { stages: 2, feedsOf })).rejects.toThrow(/where tensors alone cross/);
    }
    await expect(splitModel(two, out, { stages: 1, feedsOf: null })).rejects.toThrow(/a whole number from 2/);
    await expect(splitModel(path, halves, { stages: 2, feedsOf: null })).rejects.toThrow(
      /halves: a folder with nothing in it was required/,
    );
    await expect(splitModel(path, two, { stages: 2, feedsOf: null })).rejects.toThrow(
      /a folder was required, got a file/,
    );
    expect((await readdir(folder)).filter((name) => /never|partial/.test(name))).toEqual([]);
  });

  it('refuses a folder that is none, lacks a stage or has another', async () => {
    await expect(readSplit(folder)).rejects.toThrow(/a folder with split\.json was required/);
    const out = join(folder, 'broken');
    await splitModel(path, out, { stages: 2, feedsOf: null });
    await writeFile(join(out, 'stage-1.onnx'), 'other');
    await expect(readSplit(out)).rejects.toThrow(/stage-1\.onnx: the stage as it was written was required/);
    await rm(join(out, 'stage-1.onnx'));
    await expect(readSplit(out)).rejects.toThrow(/stage-1\.onnx: a file was required, got nothing/);
    const other = join(folder, 'two.onnx');
    await expect(benchPipelines(other, [halves], { feedsOf: arrayFeeds({}) })).rejects.toThrow(
      /got one of another model/,
    );
  });
});

describe('Pipeline', () => {
  it('answers as the whole model does, with several samples under way', async () => {
    const samples = await samplesOf(6);
    const session = await openSession(path, { threads: 1 });
    const expected: GraphSample[] = [];
    for (const sample of samples) expected.push(fromTensors(await session.run(toTensors(sample))));
    await session.release();
    const cores = await coresToPin();
    const runs = await withPipelines(stagesOf(halves, report), { outputs: report.outputs, cores }, async ([pipeline]) =>
      Promise.all(samples.map(async (sample) => await pipeline?.run(sample))),
    );
    expect(runs.map((run) => run?.outputs)).toEqual(expected);
    for (const run of runs) expect(run?.stages.map(({ readBytes }) => readBytes > 0)).toEqual([true, true]);
  }, 60_000);

  it('ends the other stages when one dies, and names that one', async () => {
    const [sample] = await samplesOf(1);
    const all: { readonly ended: boolean }[] = [];
    const broken = withPipelines(
      stagesOf(halves, report),
      { outputs: report.outputs },
      async ([pipeline], processes) => {
        all.push(...processes);
        await pipeline?.run(sample as GraphSample);
        processes[1]?.kill();
        await Promise.all([1, 2, 3].map(async () => await pipeline?.run(sample as GraphSample)));
      },
    );
    await expect(broken).rejects.toThrow(
      /^stage 2 of 2 \(.*stage-2\.onnx\): a running process was required, got SIGKILL/,
    );
    expect(all.map(({ ended }) => ended)).toEqual([true, true]);
  }, 60_000);

  it('says which stage cannot be loaded or does not take what it is given', async () => {
    const stages = stagesOf(halves, report);
    const lost = stages.map((stage, index) => (index === 1 ? { ...stage, path: `${stage.path}.gone` } : stage));
    const outputs = report.outputs;
    await expect(withPipelines(lost, { outputs }, async () => undefined)).rejects.toThrow(
      /stage-2\.onnx\.gone: a file/,
    );
    const [sample] = await samplesOf(1);
    const { lengths, ...rest } = sample as GraphSample;
    expect(lengths).toBeDefined();
    await expect(withPipelines(stages, { outputs }, async ([pipeline]) => pipeline?.run(rest))).rejects.toThrow(
      /an array named lengths was required/,
    );
  }, 60_000);
});

describe('quantlab split and pipeline', () => {
  it('split, and measure beside the whole model', async () => {
    const out = join(folder, 'thirds');
    const split = await quantlab('split', path, '--stages', '3', '-o', out, '--value', 'lengths=128');
    expect(split).toMatchObject({ exitCode: 0, out: expect.stringContaining('stage-3.onnx') });
    const args = ['pipeline', path, out, '--rounds', '1', '--cores', '2', '--value', 'lengths=128'];
    const { exitCode, out: printed } = await quantlab(...args, '--json');
    expect(exitCode).toBe(0);
    const benches = JSON.parse(printed);
    expect(benches).toMatchObject([
      { model: 'whole', pipelines: 1, stages: 1, threads: 2, handedBytes: 0, largestDifference: 0 },
      { model: 'whole', pipelines: 2, stages: 1, threads: 1, largestDifference: 0 },
      { model: out, pipelines: 1, stages: 3, threads: 1, largestDifference: 0 },
    ]);
    expect(benches[2].stagesMs).toHaveLength(3);
    expect(benches[2].handedBytes).toBeGreaterThan(0);
  }, 120_000);

  it('refuses wrong use', async () => {
    expect((await quantlab('split', path, '--stages', '1', '-o', join(folder, 'x'))).exitCode).toBe(2);
    const { exitCode, err } = await quantlab('pipeline', path, folder);
    expect(exitCode).toBe(1);
    expect(err).toContain('`quantlab split` makes it');
  });
});

describe('coresOf', () => {
  it('reads what Linux writes', () => {
    expect(coresOf('0-2,5')).toEqual([0, 1, 2, 5]);
    expect(coresOf('7')).toEqual([7]);
  });
});
