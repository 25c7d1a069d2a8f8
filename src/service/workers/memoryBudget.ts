import type { ServedModel } from '../models.js';
import type { Worker } from './worker.js';

/** What a process takes besides its model: Node.js, the runtime, what a segment needs; in bytes. Measured with the shipped models. */
const PROCESS_BYTES = 120 * 2 ** 20;

/** Keeps the processes within an amount of memory. */
export class MemoryBudget {
  readonly #maximumBytes: number;
  readonly #workers: ReadonlySet<Worker>;
  /** What a process of each model was seen to hold. */
  readonly #seen = new WeakMap<ServedModel, number>();

  /** @param workers - all processes, as they come and go */
  constructor(maximumBytes: number, workers: ReadonlySet<Worker>) {
    this.#maximumBytes = maximumBytes;
    this.#workers = workers;
  }

  /**
   * Finds which processes have to leave so that one of a model fits: idle ones of other models, the least recently used first.
   *
   * @returns `null` when it does not fit yet; the first process of all is always let in
   */
  makeRoom(model: ServedModel): readonly Worker[] | null {
    if (this.#maximumBytes === Number.POSITIVE_INFINITY || this.#workers.size === 0) return [];
    const staying = [...this.#workers].filter(({ state }) => state !== 'ending');
    let used = staying.reduce((total, worker) => total + this.#bytesOf(worker), this.#expected(model));
    const idle = staying
      .filter((worker) => worker.state === 'idle' && worker.model !== model)
      .sort((a, b) => a.lastUsedMs - b.lastUsedMs);
    const leaving: Worker[] = [];
    while (used > this.#maximumBytes) {
      const next = idle.shift();
      if (next === undefined) return leaving.length === staying.length ? leaving : null;
      leaving.push(next);
      used -= this.#bytesOf(next);
    }
    return leaving;
  }

  #bytesOf(worker: Worker): number {
    const bytes = worker.state === 'starting' ? undefined : worker.residentBytes;
    if (bytes !== undefined) this.#seen.set(worker.model, Math.max(bytes, this.#seen.get(worker.model) ?? 0));
    return bytes ?? this.#expected(worker.model);
  }

  #expected(model: ServedModel): number {
    return this.#seen.get(model) ?? model.sizeBytes + PROCESS_BYTES;
  }
}
