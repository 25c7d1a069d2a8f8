import { describe, expect, it } from 'vitest';
import { measureCapacity, runLoad } from '../../../src/measure/load/load.js';

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
