import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.js';
import { Pool } from '../../src/process/pool.js';
import type { MeasuringProcess } from '../../src/process/process.js';

/** A process that answers when it is told to. */
class Puppet {
  readonly asked: (readonly number[])[] = [];
  readonly ended = false;
  stopped = false;
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

  async stop(): Promise<void> {
    this.stopped = true;
  }

  get process(): MeasuringProcess {
    return this as unknown as MeasuringProcess;
  }
}

async function serve(process: MeasuringProcess, indices: readonly number[]): Promise<readonly string[]> {
  return (await process.trial(indices)).texts;
}

describe('Pool', () => {
  it('hands requests out in their order, each to whoever is free', async () => {
    const [a, b] = [new Puppet(), new Puppet()];
    const pool = new Pool([a.process, b.process], { serve });
    const answers = [5, 6, 7, 8].map((index) => pool.run(index));
    expect([a.asked, b.asked, pool.queueLength]).toEqual([[[5]], [[6]], 2]);
    b.answer();
    expect(await answers[1]).toBe('text 6');
    expect([a.asked, b.asked, pool.queueLength]).toEqual([[[5]], [[6], [7]], 1]);
  });

  it('takes several at once where that is wanted, and does not wait for more', async () => {
    const a = new Puppet();
    const pool = new Pool([a.process], { serve, maximumBatch: 2 });
    const answers = [1, 2, 3, 4].map((index) => pool.run(index));
    expect(a.asked).toEqual([[1]]);
    a.answer();
    await answers[0];
    expect(a.asked).toEqual([[1], [2, 3]]);
    a.answer();
    expect(await answers[2]).toBe('text 3');
  });

  it('lets the requests of a process that breaks fail, and goes on with the others', async () => {
    const [a, b] = [new Puppet(), new Puppet()];
    const pool = new Pool([a.process, b.process], { serve });
    const answers = [1, 2, 3, 4].map((index) => pool.run(index));
    const outcomes = Promise.allSettled(answers);
    a.answer(new Error('broken'));
    await expect(answers[0]).rejects.toThrow('broken');
    b.answer();
    await answers[1];
    expect(b.asked).toEqual([[2], [3]]);
    b.answer(new Error('broken too'));
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'rejected']);
  });
  it('keeps a process that was asked something bad', async () => {
    const a = new Puppet();
    const pool = new Pool([a.process], { serve });
    const bad = pool.run(1);
    a.answer(new InputError('no sound'));
    await expect(bad).rejects.toThrow('no sound');
    const good = pool.run(2);
    a.answer();
    expect([await good, a.stopped]).toEqual(['text 2', false]);
  });
});
