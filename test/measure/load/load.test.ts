import { describe, expect, it } from 'vitest';
import { measureCapacity, runLoad } from '../../../src/measure/load/load.js';
import type { MeasuringProcess } from '../../../src/process/process.js';
import { WorkQueue } from '../../../src/process/queue.js';

/** A process that answers when it is told to. */
class Puppet {
  readonly asked: (readonly number[])[] = [];
  #answer: ((error?: Error) => void) | undefined;

  async trial(indices: readonly number[]): Promise<{ readonly texts: readonly string[] }> {
    this.asked.push(indices);
    await new Promise<void>((resolve, reject) => {
      this.#answer = (error) => (error === undefined ? resolve() : reject(error));
    });
    return { texts: indices.map((index) => `text ${index}`) };
  }

  answer(error?: Error): void {
    this.#answer?.(error);
  }

  get process(): MeasuringProcess {
    return this as unknown as MeasuringProcess;
  }
}

describe('WorkQueue', () => {
  it('hands requests out in their order, each to whoever is free', async () => {
    const [a, b] = [new Puppet(), new Puppet()];
    const queue = new WorkQueue([a.process, b.process]);
    const answers = [5, 6, 7, 8].map((index) => queue.send(index));
    expect([a.asked, b.asked, queue.length]).toEqual([[[5]], [[6]], 2]);
    b.answer();
    expect(await answers[1]).toEqual({ text: 'text 6', together: 1 });
    expect([a.asked, b.asked, queue.length]).toEqual([[[5]], [[6], [7]], 1]);
  });

  it('takes several at once where that is wanted, and does not wait for more', async () => {
    const a = new Puppet();
    const queue = new WorkQueue([a.process], 2);
    const answers = [1, 2, 3, 4].map((index) => queue.send(index));
    expect(a.asked).toEqual([[1]]);
    a.answer();
    await answers[0];
    expect(a.asked).toEqual([[1], [2, 3]]);
    a.answer();
    expect(await answers[2]).toEqual({ text: 'text 3', together: 2 });
  });

  it('lets the requests of a process that breaks fail, and goes on with the others', async () => {
    const [a, b] = [new Puppet(), new Puppet()];
    const queue = new WorkQueue([a.process, b.process]);
    const answers = [1, 2, 3, 4].map((index) => queue.send(index));
    const outcomes = Promise.allSettled(answers);
    a.answer(new Error('broken'));
    await expect(answers[0]).rejects.toThrow('broken');
    b.answer();
    await answers[1];
    expect(b.asked).toEqual([[2], [3]]);
    b.answer(new Error('broken too'));
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'rejected']);
  });
});

describe('runLoad', () => {
  const options = { ratePerS: 2000, requests: 140, recordings: 10, seed: 1 };

  it('sends every request at its time, though none is answered yet, and each recording equally often', async () => {
    const asked: number[] = [];
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const result = await runLoad(
      {
        send: async (index) => {
          asked.push(index);
          if (asked.length === 140) open();
          await gate;
        },
        waiting: () => asked.length,
      },
      options,
    );
    expect(Math.max(...asked.map((index) => asked.filter((other) => other === index).length))).toBe(14);
    expect(result).toMatchObject({ requests: 140, failed: 0, mostWaiting: 139, meanWaiting: 69.5 });
    // The first waited for all others to be sent: the latency counts from when it was due.
    expect(result.maxMs).toBeGreaterThan((140 / 2000) * 1000 * 0.5);
    expect(result.p95BoundMs).toBeGreaterThanOrEqual(result.p95Ms);
  });

  it('counts what failed, and is no faster for it', async () => {
    const result = await runLoad(
      {
        send: async (index) => {
          if (index === 3) throw new Error('no');
        },
        waiting: () => null,
      },
      options,
    );
    expect(result).toMatchObject({ failed: 14, meanWaiting: null });
    const none = runLoad({ send: () => Promise.reject(new Error('out of order')), waiting: () => null }, options);
    await expect(none).rejects.toThrow('answers were required, got none of 140; out of order');
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    let sent = 0;
    const server = {
      send: async () => {
        if (++sent === 5) stop.abort(new Error('stopped'));
        await new Promise(() => undefined);
      },
      waiting: () => null,
    };
    await expect(runLoad(server, { ...options, signal: stop.signal })).rejects.toThrow('stopped');
    expect(sent).toBeLessThan(140);
  });
});

describe('measureCapacity', () => {
  it('keeps so many under way, no more', async () => {
    let underWay = 0;
    let most = 0;
    let sent = 0;
    const send = async (): Promise<void> => {
      sent++;
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
    };
    const options = { concurrency: 3, requests: 20, recordings: 4, seed: 1 };
    expect(await measureCapacity({ send, waiting: () => null }, options)).toBeGreaterThan(0);
    expect({ most, sent }).toEqual({ most: 3, sent: 20 });
  });
});
