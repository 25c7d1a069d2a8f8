import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { buildModel } from '../../src/recognise/kinds/ctc/buildModel.js';
import { quantlab } from './terminal.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-card-'));
const path = join(folder, 'built.onnx');
const cardPath = join(folder, 'built.json');
beforeAll(async () => {
  await buildModel(path, { layers: 1, units: 8 });
});

it('card init: asks for everything at once, then writes a card that transcribes', async () => {
  const before = JSON.parse(readFileSync(cardPath, 'utf8'));
  const taken = await quantlab('card', 'init', path);
  expect(taken.exitCode).toBe(1);
  expect(taken.err).toMatch(/built\.json: a name that is free was required/);
  const asked = await quantlab('card', 'init', path, '-o', cardPath);
  expect(asked.exitCode).toBe(1);
  expect(asked.err).toMatch(
    /--front-end NAME.*161 values.*\n.*--sample-rate HZ.*\n.*--labels FILE.* of the 29 classes/,
  );
  const labels = join(folder, 'tokens.txt');
  const names = ['<blk>', '<space>', ...before.labels.slice(2)];
  writeFileSync(labels, names.map((name: string, id: number) => `${name} ${id}\n`).join(''));
  const answers = ['--labels', labels, '--front-end', 'deepspeech2', '--sample-rate', '16000'];
  const done = await quantlab('card', 'init', path, '-o', cardPath, ...answers);
  expect(done).toMatchObject({ exitCode: 0, err: '' });
  expect(done.out).toMatch(/built\.json: log-spectrogram at 16000 Hz, a step every 2 frames/);
  const { tensors, frontEnd, timeStride, labels: written } = JSON.parse(readFileSync(cardPath, 'utf8'));
  expect({ tensors, frontEnd, timeStride, written }).toEqual({
    tensors: before.tensors,
    frontEnd: before.frontEnd,
    timeStride: before.timeStride,
    written: before.labels,
  });
  expect((await quantlab('transcribe', 'data/speech/audio/agent-pass.flac', '--model', path)).exitCode).toBe(0);
});
