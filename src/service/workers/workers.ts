import { ProcessError, ProcessTimeoutError } from '../../process/process.js';
import type { Hearing, Setup } from '../../process/protocol.js';
import type { TranscribedSegment } from '../../recognise/passage.js';
import type { Transcript } from '../../recognise/transcribe.js';
import { BusyError } from '../answers/refusal.js';
import type { ServedModel } from '../models.js';
import { FairQueue, type Queued } from './fairQueue.js';
import { MemoryBudget } from './memoryBudget.js';
import { Worker } from './worker.js';

/** How many processes there are, and how many requests may wait for them. */
export interface WorkersOptions {
  /** Processes that transcribe at the same time, and processes of each model at most. */
  readonly count: number;
  readonly setupOf: (model: ServedModel) => Setup;
  /** Requests that may wait; one more is refused. */
  readonly queueLimit: number;
  /** Longest time in the queue, in milliseconds. */
  readonly queueLimitMs: number;
  /** Longest time for one request in a process, in milliseconds. */
  readonly requestLimitMs: number;
  /** Memory that all processes may hold, in bytes: models that were not used for longest leave. Default: any. */
  readonly maximumMemoryBytes?: number | undefined;
  readonly workerPath?: string | undefined;
  /** Told of what went wrong with a process. */
  readonly onTrouble: (message: string) => void;
}

/** A recording that is to be heard. */
export interface Task {
  readonly model: ServedModel;
  readonly path: string;
  readonly hearing: Hearing;
  /** Whose it is: clients take turns. */
  readonly client: string;
  /** Nobody waits any longer: the task leaves the queue, or its process stops. */
  readonly signal: AbortSignal;
  /** Called after each segment, with the text up to its end. */
  readonly onSegment?: ((segment: TranscribedSegment, text: string) => void) | undefined;
}

interface Job extends Queued {
  readonly task: Task;
  readonly resolve: (transcript: Transcript) => void;
  readonly reject: (error: unknown) => void;
  /** Tries that were begun. */
  attempts: number;
  /** Segments that were told: a second try does not tell them again. */
  told: number;
}

/** How often a task is tried: a process that ends under it may have ended for another reason. */
const MOST_ATTEMPTS = 2;
/** How long a process may take to stop what nobody wants, in milliseconds; then it is ended. */
const CANCEL_PATIENCE_MS = 600;
/** Starts in a row that fail before those who wait for the model are told. */
const MOST_STARTS = 3;
/** Between two starts that fail: doubled each time, up to the last, in milliseconds. */
const [FIRST_DELAY_MS, LAST_DELAY_MS] = [100, 5000];
/** Share of the queue that one client may fill: the rest is for others. */
const CLIENT_SHARE = 0.75;

/**
 * The processes that transcribe, and the queue before them. A process that ends, for whatever reason, is replaced at once, and what it
 * was at is tried once more. Models are loaded when somebody asks for them, and leave by the order of their last use where memory is
 * short.
 */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #workers = new Set<Worker>();
  readonly #queue = new FairQueue<Job>();
  readonly #memory: MemoryBudget;
  /** How many processes of each model there are to be. */
  readonly #wanted = new Map<ServedModel, number>();
  readonly #failures = new Map<ServedModel, number>();
  readonly #retired = new Set<ServedModel>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #restarts = 0;
  #meanMs = 1000;
  #stopped = false;

  constructor(options: WorkersOptions) {
    this.#options = options;
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
    this.#dispatch();
  }

  /** Takes a model out of service: what waits for it is still heard, then its processes end. */
  retire(model: ServedModel): void {
    this.#retired.add(model);
    this.#settle();
  }

  /** Tasks that wait for a process. */
  get queueLength(): number {
    return this.#queue.length;
  }

  /** How long the oldest of them has waited, in seconds. */
  get oldestWaitS(): number {
    const { oldestMs } = this.#queue;
    return oldestMs === undefined ? 0 : (performance.now() - oldestMs) / 1000;
  }

  /** Processes that have loaded a model and live. */
  get ready(): number {
    return this.#count((worker) => worker.state === 'idle' || worker.state === 'busy');
  }

  get busy(): number {
    return this.#count((worker) => worker.state === 'busy');
  }

  /** Processes that were replaced. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Processes of a model that have loaded it. */
  readyFor(model: ServedModel): number {
    return this.#count((worker) => worker.model === model && (worker.state === 'idle' || worker.state === 'busy'));
  }

  /**
   * Refuses a client whose task would find no room, before anything of it is read.
   *
   * @throws {BusyError} when too many wait
   */
  checkRoom(client: string): void {
    const { queueLimit, count } = this.#options;
    if (this.#stopped) throw ending();
    if (this.#queue.length === 0) return;
    const retryAfterS = Math.min(60, Math.max(1, ((this.#meanMs / 1000) * this.#queue.length) / count));
    if (this.#queue.length >= queueLimit) {
      const message = `queue: room for a request was required, got ${queueLimit} that wait; come back later`;
      throw new BusyError(message, { status: 503, code: 'queue_full', retryAfterS });
    }
    const share = Math.max(1, Math.ceil(queueLimit * CLIENT_SHARE));
    if (this.#queue.countOf(client) < share) return;
    const message = `queue: at most ${share} requests of one client were required to wait, got one more; come back later`;
    throw new BusyError(message, { status: 429, code: 'rate_limit_exceeded', retryAfterS });
  }

  /**
   * Hears a recording as soon as it is its turn.
   *
   * @throws {InputError} when the recording cannot be read
   * @throws {BusyError} when too many wait already, it waited too long, or its process ended or took too long
   */
  async run(task: Task): Promise<Transcript> {
    this.checkRoom(task.client);
    task.signal.throwIfAborted();
    return await new Promise<Transcript>((resolve, reject) => {
      const { queueLimitMs } = this.#options;
      const leave = (error: unknown): void => {
        if (this.#queue.remove(job)) settle(() => reject(error));
      };
      const tooLong = (): void => {
        const message = `queue: a turn within ${queueLimitMs / 1000} s was required, got none; come back later`;
        leave(new BusyError(message, { status: 503, code: 'queue_timeout', retryAfterS: 5 }));
      };
      const onAbort = (): void => leave(task.signal.reason);
      const timer = setTimeout(tooLong, queueLimitMs);
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        task.signal.removeEventListener('abort', onAbort);
        act();
        this.#settle();
      };
      const job: Job = {
        task,
        client: task.client,
        sinceMs: performance.now(),
        resolve: (transcript) => settle(() => resolve(transcript)),
        reject: (error) => settle(() => reject(error)),
        attempts: 0,
        told: 0,
      };
      task.signal.addEventListener('abort', onAbort);
      this.#queue.push(job);
      this.#dispatch();
    });
  }

  /** Ends all processes; what waits is refused. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const job of this.#queue.inTurn()) {
      this.#queue.remove(job);
      job.reject(ending());
    }
    await Promise.all([...this.#workers].map((worker) => worker.stop()));
  }

  #count(matches: (worker: Worker) => boolean): number {
    let count = 0;
    for (const worker of this.#workers) if (matches(worker)) count++;
    return count;
  }

  #dispatch(): void {
    if (this.#stopped) return;
    const needed = new Map<ServedModel, number>();
    for (const job of this.#queue.inTurn()) {
      if (this.busy >= this.#options.count) return;
      const { model } = job.task;
      const idle = [...this.#workers].find((worker) => worker.model === model && worker.state === 'idle');
      if (idle !== undefined) {
        this.#queue.take(job);
        void this.#serve(idle, job);
        continue;
      }
      needed.set(model, (needed.get(model) ?? 0) + 1);
      this.#want(model, needed.get(model) ?? 0);
    }
  }

  /** Sees to it that so many more processes of a model are on their way. */
  #want(model: ServedModel, more: number): void {
    const all = this.#count((worker) => worker.model === model);
    const starting = this.#count((worker) => worker.model === model && worker.state === 'starting');
    if (starting >= more || all >= this.#options.count || this.#isWaiting(model)) return;
    const leaving = this.#memory.makeRoom(model);
    if (leaving === null) return;
    for (const worker of leaving) {
      this.#wanted.set(worker.model, Math.max(0, (this.#wanted.get(worker.model) ?? 1) - 1));
      void worker.stop();
    }
    this.#wanted.set(model, Math.max(this.#wanted.get(model) ?? 0, all + 1));
    void this.#start(model, leaving);
  }

  /** Whether a start has failed and the next is not due. */
  #isWaiting(model: ServedModel): boolean {
    return this.#delayed.has(model);
  }

  readonly #delayed = new Set<ServedModel>();

  /** Starts a process; when that fails, again after a while, as long as one is wanted. */
  async #start(model: ServedModel, leaving: readonly Worker[] = []): Promise<void> {
    try {
      await this.#startOne(model, leaving);
      this.#failures.delete(model);
      this.#dispatch();
    } catch (error) {
      if (this.#stopped) return;
      this.#options.onTrouble(`a process could not be started: ${(error as Error).message}`);
      const failures = (this.#failures.get(model) ?? 0) + 1;
      this.#failures.set(model, failures);
      if (failures >= MOST_STARTS) this.#refuse(model, error as Error);
      this.#later(model, Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures));
    }
  }

  #later(model: ServedModel, delayMs: number): void {
    if (this.#delayed.has(model)) return;
    this.#delayed.add(model);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#delayed.delete(model);
      this.#fill(model);
      this.#dispatch();
    }, delayMs);
    this.#timers.add(timer);
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
    if (state === 'idle' || state === 'busy') {
      this.#restarts++;
      this.#options.onTrouble(`a process is replaced: it ended while it was ${state}: ${worker.process.howItEnded}`);
    }
    this.#fill(model);
    this.#dispatch();
  }

  /** Starts what is missing of a model. */
  #fill(model: ServedModel): void {
    const missing = (this.#wanted.get(model) ?? 0) - this.#count((worker) => worker.model === model);
    if (this.#stopped || this.#retired.has(model) || this.#isWaiting(model)) return;
    for (let n = 0; n < missing; n++) void this.#start(model);
  }

  async #serve(worker: Worker, job: Job): Promise<void> {
    const { task } = job;
    const started = performance.now();
    let patience: NodeJS.Timeout | undefined;
    const giveUp = (): void => {
      worker.process.cancel();
      patience = setTimeout(() => worker.process.kill(), CANCEL_PATIENCE_MS);
    };
    let place = 0;
    const onSegment = (segment: TranscribedSegment, text: string): void => {
      if (place++ < job.told) return;
      job.told++;
      task.onSegment?.(segment, text);
    };
    worker.state = 'busy';
    job.attempts++;
    task.signal.addEventListener('abort', giveUp);
    try {
      const transcript = await worker.process.transcribe(task.path, task.hearing, onSegment);
      this.#meanMs += (performance.now() - started - this.#meanMs) / 8;
      this.#free(worker);
      job.resolve(transcript);
    } catch (error) {
      // Also where it lives and answered with a fault of ours: what state it is in, nobody knows.
      if (error instanceof ProcessError) worker.process.kill();
      else this.#free(worker);
      this.#failed(job, error as Error);
    } finally {
      clearTimeout(patience);
      task.signal.removeEventListener('abort', giveUp);
      this.#dispatch();
    }
  }

  #free(worker: Worker): void {
    worker.lastUsedMs = performance.now();
    if (worker.state === 'busy') worker.state = 'idle';
  }

  #failed(job: Job, error: Error): void {
    const { signal } = job.task;
    if (signal.aborted) job.reject(signal.reason);
    else if (error instanceof ProcessTimeoutError) {
      const message = `request: a transcript within ${this.#options.requestLimitMs / 1000} s was required, got none; send a shorter recording`;
      job.reject(new BusyError(message, { status: 504, code: 'request_timeout' }, { cause: error }));
    } else if (!(error instanceof ProcessError)) job.reject(error);
    else if (job.attempts < MOST_ATTEMPTS && !this.#stopped) this.#queue.putBack(job);
    else {
      const message = `service: a process that transcribes was required, got ${job.attempts} that ended under this recording; send another, or tell whoever runs the service`;
      job.reject(new BusyError(message, { status: 500, code: 'process_ended' }, { cause: error }));
    }
  }

  /** Refuses all that waits for a model that cannot be loaded. */
  #refuse(model: ServedModel, cause: Error): void {
    if (this.readyFor(model) > 0) return;
    for (const job of this.#queue.inTurn()) {
      if (job.task.model !== model || !this.#queue.remove(job)) continue;
      const message = `model ${model.id}: a process that has loaded it was required, got none; come back later`;
      job.reject(new BusyError(message, { status: 503, code: 'no_process', retryAfterS: 5 }, { cause }));
    }
  }

  /** Ends what was retired and is not needed any more. */
  #settle(): void {
    for (const model of this.#retired) {
      const needed = this.#queue.inTurn().some((job) => job.task.model === model);
      for (const worker of this.#workers) {
        if (worker.model === model && worker.state === 'idle' && !needed) void worker.stop();
      }
      if (!needed && this.#count((worker) => worker.model === model) === 0) this.#retired.delete(model);
    }
  }
}

/** What is said of a service that is about to end. */
export function ending(): BusyError {
  return new BusyError('service: a running one was required, got one that ends; ask another', {
    ...{ status: 503, code: 'ending', retryAfterS: 5, headers: { connection: 'close' } },
  });
}
