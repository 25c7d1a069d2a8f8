// The fixture was written by training/measure_gpu.py; see test/fixtures/measure/README.md.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Recognizer } from '../../src/recognise/recognizer.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import { readAudio } from '../../src/speech/audio/audio.js';
import { readRun } from '../../src/study/runFolder.js';
import { summarize } from '../../src/study/summarize.js';

const RUN = fileURLToPath(new URL('../fixtures/measure/python-run', import.meta.url));
const SPEECH = fileURLToPath(new URL('../../data/speech', import.meta.url));

describe('the Python recipe for GPUs', () => {
  it('writes runs that are read and summarized as our own', async () => {
    const { record, observations } = await readRun(RUN);
    expect(record.outcomes['cpu-float32-python']).toMatchObject({ status: 'measured', executionProvider: 'cpu' });
    expect(observations.map(({ phase }) => phase)).toEqual([
      ...Array.from({ length: 4 }, () => 'latency'),
      ...Array.from({ length: 2 }, () => 'throughput'),
      ...Array.from({ length: 3 }, () => 'accuracy'),
    ]);
    const [condition] = summarize(record, observations).conditions;
    expect(condition?.latency?.trials).toBe(4);
    expect(condition?.throughput?.trials).toBe(2);
    expect(condition?.accuracy?.utterances).toBe(3);
  });

  it('hears with the same weights and the same front end what we hear', async () => {
    const { observations } = await readRun(RUN);
    const manifest = readFileSync(`${SPEECH}/holdout.jsonl`, 'utf8').trim().split('\n').slice(0, 3);
    const recognizer = await Recognizer.load(await resolveModel('deepspeech2-lstm'), { threads: 1 });
    for (const line of manifest) {
      const { id, audio_filepath } = JSON.parse(line) as { id: string; audio_filepath: string };
      const path = `${SPEECH}/${audio_filepath}`;
      expect(existsSync(path)).toBe(true);
      const { text } = await recognizer.recognize(await readAudio(path));
      const python = observations.find(({ phase, utterances }) => phase === 'accuracy' && utterances[0] === id);
      expect(python?.texts[0]).toBe(text);
    }
    await recognizer.release();
  });
});
