import { MeasuringProcess } from '../../process/process.js';
import { readProcessMemory } from '../../process/processMemory.js';
import type { Setup } from '../../process/protocol.js';
import type { ServedModel } from '../models.js';

/** What a worker does just now. */
export type WorkerState = 'starting' | 'idle' | 'busy' | 'ending';

/** A process for one model, as the service sees it. */
export class Worker {
  readonly model: ServedModel;
  readonly process: MeasuringProcess;
  state: WorkerState = 'starting';
  #killedFor: string | undefined;
  /** When it last did something, in milliseconds from any fixed point. */
  lastUsedMs = 0;

  constructor(model: ServedModel, limitMs: number, workerPath: string | undefined) {
    this.model = model;
    this.process = new MeasuringProcess({
      name: 'transcribing process',
      trialLimitMs: limitMs,
      ...(workerPath !== undefined && { workerPath }),
    });
  }

  /** Loads the model. @throws {InputError | UnavailableError} when that is not possible */
  async load(setup: Setup): Promise<void> {
    await this.process.load(setup);
    this.lastUsedMs = performance.now();
    this.state = 'idle';
  }

  /** What it holds of the memory; `undefined` where that cannot be told. */
  get residentBytes(): number | undefined {
    try {
      return this.process.pid === undefined ? undefined : readProcessMemory(this.process.pid).residentBytes;
    } catch {
      // It has just ended, or this is not Linux.
      return undefined;
    }
  }

  /** Ends it at once. @param why - for whoever runs the service */
  kill(why: string): void {
    if (!this.process.ended) this.#killedFor ??= why;
    this.process.kill();
  }

  /** How it ended, or why it was made to. */
  get howItEnded(): string {
    return this.#killedFor ?? this.process.howItEnded;
  }

  async stop(): Promise<void> {
    this.state = 'ending';
    await this.process.stop();
  }
}
