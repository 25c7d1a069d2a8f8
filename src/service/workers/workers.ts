import { ProcessError, ProcessTimeoutError } from '../../process/processError.js';
import type { TranscribedSegment } from '../../recognise/passage.js';
import type { Transcript } from '../../recognise/transcribe.js';
import { BusyError } from '../answers/refusal.js';
import type { ServedModel } from '../models.js';
import { Fleet, type FleetOptions } from './fleet.js';
import { type Job, type QueueLimits, type Task, TaskQueue } from './taskQueue.js';
import type { Worker } from './worker.js';

/** How often a task is tried: a process that ends under it may have ended for another reason. */
const MOST_ATTEMPTS = 2;
/** How long a process may take to stop what nobody wants, in milliseconds; then it is ended. */
const CANCEL_PATIENCE_MS = 600;

/** Gives the processes what waits in the queue; what a process was at when it ended is tried once more. */
export class Workers {
  readonly fleet: Fleet;
  readonly queue: TaskQueue;
  readonly #requestLimitMs: number;

  constructor(options: FleetOptions & QueueLimits) {
    this.queue = new TaskQueue(options);
    this.fleet = new Fleet(options, {
      onChange: () => this.#dispatch(),
      onUnable: (model, cause) => {
        const message = `model ${model.id}: a process that has loaded it was required, got none; come back later`;
        this.queue.refuse(
          new BusyError(message, { status: 503, code: 'no_process', retryAfterS: 5 }, { cause }),
          model,
        );
      },
      isNeeded: (model) => this.queue.hasFor(model),
    });
    this.#requestLimitMs = options.requestLimitMs;
  }

  /**
   * Hears a recording as soon as it is its turn.
   *
   * @throws {InputError} when the recording cannot be read
   * @throws {BusyError} when too many wait already, it waited too long, or its process ended or took too long
   */
  async run(task: Task): Promise<Transcript> {
    const transcript = this.queue.add(task);
    this.#dispatch();
    try {
      return await transcript;
    } finally {
      this.fleet.endRetired();
    }
  }

  /** Ends all processes; what waits is refused. */
  async stop(): Promise<void> {
    this.queue.close();
    await this.fleet.stop();
  }

  #dispatch(): void {
    const needed = new Map<ServedModel, number>();
    for (const job of this.queue.inTurn()) {
      if (this.fleet.isFull) return;
      const { model } = job.task;
      const idle = this.fleet.idleOf(model);
      if (idle !== undefined) {
        this.queue.take(job);
        void this.#serve(idle, job);
        continue;
      }
      const more = (needed.get(model) ?? 0) + 1;
      needed.set(model, more);
      this.fleet.want(model, more);
    }
  }

  async #serve(worker: Worker, job: Job): Promise<void> {
    const { task } = job;
    const started = performance.now();
    let patience: NodeJS.Timeout | undefined;
    const giveUp = (): void => {
      worker.process.cancel();
      patience = setTimeout(() => worker.kill('nobody waited any longer'), CANCEL_PATIENCE_MS);
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
      this.queue.took(performance.now() - started);
      this.#free(worker);
      job.resolve(transcript);
    } catch (error) {
      // Also where it lives and answered with a fault of ours: what state it is in, nobody knows.
      if (error instanceof ProcessError) worker.kill(error.message);
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
      const message = `request: a transcript within ${this.#requestLimitMs / 1000} s was required, got none; send a shorter recording`;
      job.reject(new BusyError(message, { status: 504, code: 'request_timeout' }, { cause: error }));
    } else if (!(error instanceof ProcessError)) job.reject(error);
    else if (job.attempts < MOST_ATTEMPTS && !this.queue.isClosed) this.queue.putBack(job);
    else {
      const message = `service: a process that transcribes was required, got ${job.attempts} that ended under this recording; send another, or tell whoever runs the service`;
      job.reject(new BusyError(message, { status: 500, code: 'process_ended' }, { cause: error }));
    }
  }
}
