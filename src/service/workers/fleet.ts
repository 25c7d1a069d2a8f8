import type { Setup } from '../../process/protocol.js';
import type { ServedModel } from '../models.js';
import { MemoryBudget } from './memoryBudget.js';
import { Worker, type WorkerState } from './worker.js';

/** How many processes there are, and what they may take. */
export interface FleetOptions {
  /** Processes that transcribe at the same time, and processes of each model at most. */
  readonly count: number;
  readonly setupOf: (model: ServedModel) => Setup;
  /** Longest time for one request in a process, in milliseconds. */
  readonly requestLimitMs: number;
  /** Memory that all processes may hold, in bytes: models that were not used for longest leave. Default: any. */
  readonly maximumMemoryBytes?: number | undefined;
  readonly workerPath?: string | undefined;
  /** Told of what went wrong with a process. */
  readonly onTrouble: (message: string) => void;
}

/** Whom the processes work for. */
export interface FleetEvents {
  /** Called when a process can take a task, or one more could be started. */
  readonly onChange: () => void;
  /** Called when no process of a model starts, again and again. */
  readonly onUnable: (model: ServedModel, error: Error) => void;
  /** Whether anybody waits for a model that was retired. */
  readonly isNeeded: (model: ServedModel) => boolean;
}

/** Starts in a row that fail before those who wait for the model are told. */
const MOST_STARTS = 3;
/** Between two starts that fail: doubled each time, up to the last, in milliseconds. */
const [FIRST_DELAY_MS, LAST_DELAY_MS] = [100, 5000];

/** States of a process that has loaded its model and lives. */
const READY: readonly WorkerState[] = ['idle', 'busy'];

/**
 * The processes of all models. One that ends, for whatever reason, is replaced at once (a `Pool` of measuring processes does not:
 * what is measured would not be comparable any longer). Models are loaded when somebody asks for them,
 * and leave by the order of their last use where memory is short.
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #events: FleetEvents;
  readonly #workers = new Set<Worker>();
  readonly #memory: MemoryBudget;
  /** How many processes of each model there are to be. A model that was replaced is forgotten with whatever was known of it. */
  readonly #wanted = new WeakMap<ServedModel, number>();
  readonly #failures = new WeakMap<ServedModel, number>();
  readonly #retired = new Set<ServedModel>();
  /** Models whose last start has failed and whose next is not due. */
  readonly #delayed = new Map<ServedModel, NodeJS.Timeout>();
  #restarts = 0;
  #stopped = false;

  constructor(options: FleetOptions, events: FleetEvents) {
    this.#options = options;
    this.#events = events;
    this.#memory = new MemoryBudget(options.maximumMemoryBytes ?? Number.POSITIVE_INFINITY, this.#workers);
  }

  /**
   * Starts all processes of a model, and keeps them.
   *
   * @throws {InputError | UnavailableError} when one cannot load the model
   */
  async preload(model: ServedModel): Promise<void> {
    this.#wanted.set(model, this.#options.count);
    const starts = Array.from({ length: this.#options.count }, async () => await this.#startOne(model));
    const results = await Promise.allSettled(starts);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      this.retire(model);
      throw failed.reason;
    }
    this.#events.onChange();
  }

  /** Takes a model out of service: its processes end as soon as nobody waits for it. */
  retire(model: ServedModel): void {
    this.#retired.add(model);
    // Nor is one started whose last start has failed, and whose next was due later.
    this.#wanted.delete(model);
    this.endRetired();
  }

  /** Ends what was retired and is not needed any more. */
  endRetired(): void {
    for (const model of this.#retired) {
      if (this.#events.isNeeded(model)) continue;
      for (const worker of this.#workers) {
        if (worker.model === model && worker.state === 'idle') void worker.stop();
      }
      if (this.count(model) === 0) this.#retired.delete(model);
    }
  }

  /** Processes that were replaced. */
  get restarts(): number {
    return this.#restarts;
  }

  /** How many processes there are: of a model, or of all; in some states, or in any. */
  count(model?: ServedModel, states?: readonly WorkerState[]): number {
    const counts = (worker: Worker): boolean =>
      (model === undefined || worker.model === model) && (states === undefined || states.includes(worker.state));
    return [...this.#workers].filter(counts).length;
  }

  /** Processes that have loaded a model and live. */
  get ready(): number {
    return this.count(undefined, READY);
  }

  /** Processes that transcribe just now. */
  get busy(): number {
    return this.count(undefined, ['busy']);
  }

  /** Whether as many transcribe as may. */
  get isFull(): boolean {
    return this.busy >= this.#options.count;
  }

  /** A process of a model that has nothing to do. */
  idleOf(model: ServedModel): Worker | undefined {
    return [...this.#workers].find((worker) => worker.model === model && worker.state === 'idle');
  }

  /** Sees to it that so many more processes of a model are on their way, where there is room. */
  want(model: ServedModel, more: number): void {
    const all = this.count(model);
    if (this.count(model, ['starting']) >= more || all >= this.#options.count || this.#delayed.has(model)) return;
    const leaving = this.#memory.makeRoom(model);
    if (leaving === null) return;
    for (const worker of leaving) {
      this.#wanted.set(worker.model, Math.max(0, (this.#wanted.get(worker.model) ?? 1) - 1));
      void worker.stop();
    }
    this.#wanted.set(model, Math.max(this.#wanted.get(model) ?? 0, all + 1));
    void this.#start(model, leaving);
  }

  /** Ends all processes. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#delayed.values()) clearTimeout(timer);
    await Promise.all([...this.#workers].map((worker) => worker.stop()));
  }

  /** Starts a process; when that fails, again after a while, as long as one is wanted. */
  async #start(model: ServedModel, leaving: readonly Worker[] = []): Promise<void> {
    try {
      await this.#startOne(model, leaving);
      this.#failures.delete(model);
      this.#events.onChange();
    } catch (error) {
      if (this.#stopped) return;
      this.#options.onTrouble(`a process could not be started: ${(error as Error).message}`);
      const failures = (this.#failures.get(model) ?? 0) + 1;
      this.#failures.set(model, failures);
      if (failures >= MOST_STARTS && this.count(model, READY) === 0) this.#events.onUnable(model, error as Error);
      this.#later(model, Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures));
    }
  }

  #later(model: ServedModel, delayMs: number): void {
    if (this.#delayed.has(model)) return;
    const timer = setTimeout(() => {
      this.#delayed.delete(model);
      this.#fill(model);
      this.#events.onChange();
    }, delayMs);
    this.#delayed.set(model, timer);
  }

  async #startOne(model: ServedModel, leaving: readonly Worker[] = []): Promise<void> {
    const { setupOf, requestLimitMs, workerPath } = this.#options;
    const worker = new Worker(model, requestLimitMs, workerPath);
    this.#workers.add(worker);
    void worker.process.gone.then(() => this.#gone(worker));
    try {
      await Promise.all(leaving.map((one) => one.process.gone));
      await worker.load(setupOf(model));
    } catch (error) {
      await worker.stop();
      throw error;
    }
  }

  /** A process has ended, for whatever reason. */
  #gone(worker: Worker): void {
    const { state, model } = worker;
    this.#workers.delete(worker);
    worker.state = 'ending';
    if (READY.includes(state)) {
      this.#restarts++;
      this.#options.onTrouble(`a process is replaced: it ended while it was ${state}: ${worker.howItEnded}`);
    }
    this.#fill(model);
    this.#events.onChange();
  }

  /** Starts what is missing of a model. */
  #fill(model: ServedModel): void {
    if (this.#stopped || this.#retired.has(model) || this.#delayed.has(model)) return;
    const missing = (this.#wanted.get(model) ?? 0) - this.count(model);
    for (let n = 0; n < missing; n++) void this.#start(model);
  }
}
