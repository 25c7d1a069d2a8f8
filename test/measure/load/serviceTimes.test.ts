import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { measureServiceTimes } from '../../../src/measure/load/serviceTimes.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';

const workerPath = fileURLToPath(new URL('../../fixtures/experiment/fakeWorker.mjs', import.meta.url));

it('measures each recording of each model in each start', async () => {
  const model = await resolveModel('deepspeech2-lstm');
  const utterances = ['one', 'two', 'three'].map((id) => {
    return { id, audioPath: join('none', `${id}.wav`), durationS: 2, text: id, speaker: 'none' };
  });
  let told = 0;
  const found = await measureServiceTimes([model, model], { utterances, starts: 2, workerPath, onModel: () => told++ });
  expect(told).toBe(4);
  expect(found.map((starts) => starts.map((times) => times.length))).toEqual([
    [3, 3],
    [3, 3],
  ]);
  expect(found.flat(2).every((ms) => ms > 0 && ms < 10_000)).toBe(true);
});
