import { describe, expect, it } from 'vitest';
import { readModel } from '../../src/onnx/file/read.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import { nodeTimes } from '../../src/tune/profile.js';
import { profileOnSpeech } from '../../src/tune/speechRunner.js';

const event = (name: string, opName: string, ts: number, dur: number): object => ({
  cat: 'Node',
  name: `${name}_kernel_time`,
  ts,
  dur,
  args: { op_name: opName },
});

describe('the profile of the runtime', () => {
  it('gives the fastest counted run of each node, loops as a whole', () => {
    const text = JSON.stringify([
      { cat: 'Session', name: 'model_run', ts: 0, dur: 9999 },
      event('conv', 'Conv', 0, 5000),
      event('loop', 'Scan', 6000, 1000),
      event('inner', 'MatMul', 6100, 100),
      event('conv', 'Conv', 10_000, 3000),
      event('loop', 'Scan', 14_000, 500),
      event('inner', 'MatMul', 14_100, 100),
      event('inner', 'MatMul', 14_300, 100),
      event('conv', 'Conv', 20_000, 2000),
      event('loop', 'Scan', 24_000, 600),
    ]);
    // The second loop: 500 µs less 2 µs for each of the two nodes that were profiled inside it.
    expect(nodeTimes(text, 1)).toEqual(
      new Map([
        ['conv Conv', 2],
        ['loop Scan', 0.496],
      ]),
    );
  });

  it('names the nodes of the shipped model', async () => {
    const model = await resolveModel('deepspeech2-lstm');
    const times = await profileOnSpeech(await readModel(model.path), model, { manifest: 'dev', threads: 1 });
    const slowest = [...times]
      .sort((a, b) => b[1] - a[1])
      .slice(0, 5)
      .map(([name]) => name.split(' ').at(-1));
    expect(slowest.sort()).toEqual(['Conv', 'Conv', 'LSTM', 'LSTM', 'LSTM']);
  });
});
