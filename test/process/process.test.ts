import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { InputError } from '../../src/errors.js';
import { MeasuringProcess } from '../../src/process/process.js';
import { ProcessError } from '../../src/process/processError.js';
import type { Setup } from '../../src/process/protocol.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import { readAudio } from '../../src/speech/audio/audio.js';
import { encodeWav } from '../../src/speech/audio/encodeWav.js';
import { heardIn } from '../fixtures/model/reference.js';

const FAKE = fileURLToPath(new URL('../fixtures/experiment/fakeWorker.mjs', import.meta.url));
const ADDED = fileURLToPath(new URL('../../data/speech/audio/added.flac', import.meta.url));

async function setup(): Promise<Setup> {
  const model = await resolveModel('deepspeech2-lstm');
  const recordings = [{ id: 'added', audioPath: ADDED }];
  return { model, executionProvider: 'cpu', threads: 1, recordings, warmUp: [[0]] };
}

describe('MeasuringProcess', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('runs the model in a process of its own, and tells what was heard', async () => {
    const child = new MeasuringProcess();
    const loaded = await child.load(await setup());
    expect(loaded.loadMs).toBeGreaterThan(0);
    const trial = await child.trial([0, 0]);
    expect(trial).toMatchObject({ utterances: ['added', 'added'], texts: [heardIn('added'), heardIn('added')] });
    expect(trial.audioS).toBeCloseTo((2 * 5785) / 8000, 9);
    expect(trial.featuresMs + trial.inferenceMs + trial.decodingMs).toBeCloseTo(trial.totalMs, 6);
    await child.stop();
  });

  it('knows a recording again in another form, where that is asked for', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quantlab-process-'));
    const path = join(folder, 'quieter.wav');
    const { samples, sampleRateHz } = await readAudio(ADDED);
    await writeFile(path, encodeWav({ samples: samples.map((value) => value / 2), sampleRateHz }));
    const recordings = ['added', 'quieter'].map((id) => ({ id, audioPath: id === 'added' ? ADDED : path }));
    for (const similar of [{}, { folder }, undefined]) {
      const child = new MeasuringProcess();
      await child.load({ ...(await setup()), recordings, cache: { memoryBytes: 1e6, similar } });
      const { kept } = await child.trial([1]);
      if (similar === undefined) expect(kept).toBeNull();
      else expect(kept).toEqual({ kind: 'transcript', place: 'memory', differing: expect.closeTo(0, 1) });
      await child.stop();
    }
    await rm(folder, { recursive: true });
  });

  it('says what is wrong with a recording or a model', async () => {
    const child = new MeasuringProcess();
    const recordings = [{ id: 'gone', audioPath: `${ADDED}.gone` }];
    await expect(child.load({ ...(await setup()), recordings })).rejects.toThrow(InputError);
    const model = { ...(await setup()).model, graphs: { model: ADDED } };
    await expect(child.load({ ...(await setup()), model })).rejects.toThrow(/added\.flac: an ONNX model/);
    await child.stop();
  });

  it('says how a process ended that crashed, with what it said last', async () => {
    const child = new MeasuringProcess({ workerPath: `${FAKE}.gone`, name: 'CPU float32' });
    await expect(child.load(await setup())).rejects.toThrow(
      /^CPU float32: a running process was required, got exit code 1/,
    );
    await expect(child.trial([0])).rejects.toThrow(ProcessError);
    await child.stop();
  });

  it('does not wait for ever', async () => {
    vi.stubEnv('HANG_AT', '1');
    const child = new MeasuringProcess({ workerPath: FAKE, trialLimitMs: 200 });
    await child.load(await setup());
    await expect(child.trial([0])).rejects.toThrow(/an answer within 0\.2 s was required, got none/);
    await child.stop();
  });

  it('ends when it is told to, in the middle of a trial', async () => {
    vi.stubEnv('HANG_AT', '1');
    const controller = new AbortController();
    const child = new MeasuringProcess({ workerPath: FAKE, signal: controller.signal });
    await child.load(await setup());
    const trial = child.trial([0]);
    controller.abort();
    await expect(trial).rejects.toThrow(ProcessError);
    await child.stop();
  });

  it('lets the one who started it refuse the session before its first run', async () => {
    const child = new MeasuringProcess({ workerPath: FAKE });
    const loading = child.load(await setup(), () => {
      throw new InputError('not this one');
    });
    await expect(loading).rejects.toThrow('not this one');
    await child.stop();
  });
});
