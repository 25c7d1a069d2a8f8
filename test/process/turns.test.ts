import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MeasuringProcess } from '../../src/process/process.js';
import type { Setup } from '../../src/process/protocol.js';
import { Turns } from '../../src/process/turns.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';

const FAKE = fileURLToPath(new URL('../fixtures/experiment/fakeWorker.mjs', import.meta.url));
const IS_LINUX = process.platform === 'linux';

async function loaded(): Promise<MeasuringProcess> {
  const child = new MeasuringProcess({ workerPath: FAKE });
  const setup: Setup = {
    model: await resolveModel('deepspeech2-lstm'),
    executionProvider: 'cpu',
    threads: 1,
    recordings: [{ id: 'a', audioPath: 'a.wav' }],
    warmUp: [],
  };
  await child.load(setup);
  return child;
}

/** State of a process: `T` is stopped. */
function stateOf({ pid }: MeasuringProcess): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
}

/** The system stops a process soon, not at once. */
async function expectState(child: MeasuringProcess, stopped: boolean): Promise<void> {
  for (let wait = 0; wait < 1000 && (stateOf(child) === 'T') !== stopped; wait++) await sleep(5);
  expect(stateOf(child) === 'T').toBe(stopped);
}

describe.runIf(IS_LINUX)('Turns', () => {
  it('stops every process that is not in its turn, and lets all go on at the end', async () => {
    const children = [await loaded(), await loaded(), await loaded()];
    const [a, b, c] = children as [MeasuringProcess, MeasuringProcess, MeasuringProcess];
    const turns = new Turns();
    for (const child of children) turns.join(child);
    for (const child of children) await expectState(child, true);
    const seen: number[] = [];
    await turns.take(b, [0], [[0], [0, 0]], (_, index) => seen.push(index));
    expect(seen).toEqual([0, 1]);
    await expectState(b, false);
    await expectState(a, true);
    await turns.take(c, [0], [[0]], () => undefined);
    await expectState(b, true);
    turns.leave(a);
    await expectState(a, false);
    expect(turns.method).toBe('stopped');
    const pids = children.map(({ pid }) => pid);
    await Promise.all(children.map((child) => child.stop()));
    expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  });

  it('only waits where it is told to', async () => {
    const [a, b] = [await loaded(), await loaded()];
    const turns = new Turns('paused');
    turns.join(a);
    turns.join(b);
    await turns.take(a, [0], [[0]], () => undefined);
    expect([stateOf(a), stateOf(b)]).not.toContain('T');
    await Promise.all([a.stop(), b.stop()]);
  });

  it('goes on with the others when one has died in its sleep', async () => {
    const [a, b] = [await loaded(), await loaded()];
    const turns = new Turns();
    turns.join(a);
    turns.join(b);
    process.kill(a.pid ?? 0, 'SIGKILL');
    for (let wait = 0; wait < 1000 && !a.ended; wait++) await sleep(5);
    await turns.take(b, [0], [[0]], () => undefined);
    expect(turns.method).toBe('stopped');
    await expect(turns.take(a, [0], [[0]], () => undefined)).rejects.toThrow(/got SIGKILL, from outside/);
    await Promise.all([a.stop(), b.stop()]);
  });
});

describe.runIf(IS_LINUX)('a suspended process', () => {
  it('answers when it is asked, and ends when it is told to', async () => {
    const child = await loaded();
    expect(child.suspend()).toBe(true);
    expect(child.suspend()).toBe(true);
    await expectState(child, true);
    expect((await child.trial([0])).utterances).toEqual(['a']);
    child.suspend();
    await expectState(child, true);
    await child.stop();
    expect(child.suspend()).toBe(false);
  });
});
