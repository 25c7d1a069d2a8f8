import { describe, expect, it } from 'vitest';
import { FairQueue } from '../../src/service/workers/fairQueue.js';

interface Item {
  readonly client: string;
  readonly sinceMs: number;
  readonly name: string;
}

const item = (client: string, name: string, sinceMs = 0): Item => ({ client, name, sinceMs });
const names = (queue: FairQueue<Item>): string =>
  queue
    .inTurn()
    .map(({ name }) => name)
    .join(' ');

describe('FairQueue', () => {
  it('lets clients take turns, each in its own order', () => {
    const queue = new FairQueue<Item>();
    for (const one of [item('a', 'a1'), item('a', 'a2'), item('a', 'a3'), item('b', 'b1'), item('c', 'c1')])
      queue.push(one);
    expect(names(queue)).toBe('a1 b1 c1 a2 a3');
    const [first] = queue.inTurn();
    queue.take(first as Item);
    // It has had its turn.
    expect(names(queue)).toBe('b1 c1 a2 a3');
    expect([queue.length, queue.countOf('a'), queue.countOf('nobody')]).toEqual([4, 2, 0]);
  });

  it('serves next what was put back, and forgets what was removed', () => {
    const queue = new FairQueue<Item>();
    const [a, b, again] = [item('a', 'a1', 5), item('b', 'b1', 7), item('c', 'c1', 3)];
    queue.push(a);
    queue.push(b);
    queue.putBack(again);
    expect(names(queue)).toBe('c1 a1 b1');
    expect(queue.oldestMs).toBe(3);
    expect([queue.remove(again), queue.remove(again), queue.length, queue.oldestMs]).toEqual([true, false, 2, 5]);
  });
});
