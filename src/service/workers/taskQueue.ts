import type { Hearing } from '../../process/protocol.js';
import type { TranscribedSegment } from '../../recognise/passage.js';
import type { Transcript } from '../../recognise/transcribe.js';
import { BusyError } from '../answers/refusal.js';
import type { ServedModel } from '../models.js';
import { FairQueue, type Queued } from './fairQueue.js';

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

/** A task, and whoever waits for its transcript. */
export interface Job extends Queued {
  readonly task: Task;
  readonly resolve: (transcript: Transcript) => void;
  readonly reject: (error: unknown) => void;
  /** Tries that were begun. */
  attempts: number;
  /** Segments that were told: a second try does not tell them again. */
  told: number;
}

/** How many may wait, and how long. */
export interface QueueLimits {
  /** Processes that take from the queue. */
  readonly count: number;
  /** Requests that may wait; one more is refused. */
  readonly queueLimit: number;
  /** Longest time in the queue, in milliseconds. */
  readonly queueLimitMs: number;
}

/** Share of the queue that one client may fill: the rest is for others. */
const CLIENT_SHARE = 0.75;

/** Who may wait for a process, and how long: a fair queue with limits. */
export class TaskQueue extends FairQueue<Job> {
  readonly #limits: QueueLimits;
  #meanMs = 1000;
  #isClosed = false;

  constructor(limits: QueueLimits) {
    super();
    this.#limits = limits;
  }

  /** Whether nothing is taken any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** How long the oldest task has waited, in seconds. */
  get oldestWaitS(): number {
    return this.oldestMs === undefined ? 0 : (performance.now() - this.oldestMs) / 1000;
  }

  /**
   * Refuses a client whose task would find no room, before anything of it is read.
   *
   * @throws {BusyError} when too many wait
   */
  checkRoom(client: string): void {
    const { queueLimit, count } = this.#limits;
    if (this.#isClosed) throw ending();
    if (this.length === 0) return;
    const retryAfterS = Math.min(60, Math.max(1, ((this.#meanMs / 1000) * this.length) / count));
    if (this.length >= queueLimit) {
      const message = `queue: room for a request was required, got ${queueLimit} that wait; come back later`;
      throw new BusyError(message, { status: 503, code: 'queue_full', retryAfterS });
    }
    const share = Math.max(1, Math.ceil(queueLimit * CLIENT_SHARE));
    if (this.countOf(client) < share) return;
    const message = `queue: at most ${share} requests of one client were required to wait, got one more; come back later`;
    throw new BusyError(message, { status: 429, code: 'rate_limit_exceeded', retryAfterS });
  }

  /**
   * Lets a task wait.
   *
   * @returns what the job that was made of it is settled with
   * @throws {BusyError} when too many wait already, or it waited too long
   */
  async add(task: Task): Promise<Transcript> {
    this.checkRoom(task.client);
    task.signal.throwIfAborted();
    return await new Promise<Transcript>((resolve, reject) => {
      const { queueLimitMs } = this.#limits;
      const leave = (error: unknown): void => {
        if (this.remove(job)) settle(() => reject(error));
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
      this.push(job);
    });
  }

  /** Notes how long a task took in a process: by that, clients are told when to come back. */
  took(durationMs: number): void {
    this.#meanMs += (durationMs - this.#meanMs) / 8;
  }

  /** Whether anybody waits for a model. */
  hasFor(model: ServedModel): boolean {
    return this.inTurn().some(({ task }) => task.model === model);
  }

  /** Refuses what waits: all of it, or all for one model. */
  refuse(error: BusyError, model?: ServedModel): void {
    for (const job of this.inTurn()) {
      if ((model === undefined || job.task.model === model) && this.remove(job)) job.reject(error);
    }
  }

  /** Refuses what waits, and whatever comes from now on. */
  close(): void {
    this.#isClosed = true;
    this.refuse(ending());
  }
}

/** What is said of a service that is about to end. */
export function ending(): BusyError {
  return new BusyError('service: a running one was required, got one that ends; ask another', {
    ...{ status: 503, code: 'ending', retryAfterS: 5, headers: { connection: 'close' } },
  });
}
