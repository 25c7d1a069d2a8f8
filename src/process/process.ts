import { type ChildProcess, fork } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { UnavailableError } from '../errors.js';
import type { TranscribedSegment } from '../recognise/passage.js';
import type { Transcript } from '../recognise/transcribe.js';
import { Guard } from './guard.js';
import { ProcessError, ProcessTimeoutError, revive } from './processError.js';
import type { ProcessMemory } from './processMemory.js';
import type {
  GraphicsTraces,
  GraphSetup,
  Hearing,
  KernelRequest,
  KernelTimes,
  Loaded,
  Reply,
  Request,
  Setup,
  StageRun,
  StageSetup,
  StageTimes,
  Trial,
} from './protocol.js';

/** How a process is started and how long it may take. */
export interface ProcessOptions {
  /** Program of the process. Default: the worker of this package, as built. */
  readonly workerPath?: string | undefined;
  /** Program that starts it in its own place, with its arguments: `taskset`, `systemd-run --scope`. Default: none. */
  readonly launcher?: readonly string[];
  /** How it is called in errors. */
  readonly name?: string;
  /** Longest time for loading and warming up, in milliseconds. */
  readonly loadLimitMs?: number | undefined;
  /** Longest time for one trial, in milliseconds. */
  readonly trialLimitMs?: number | undefined;
  /** Ends the process, whatever it does. */
  readonly signal?: AbortSignal | undefined;
}

/** How much of its standard error is kept, in characters. */
const KEPT_LOG = 2 ** 20;

/** How long a process that was asked to end may take before it is ended, in milliseconds. */
const PATIENCE_MS = 2000;

/** What a process says when it gets no more memory: V8, C++, the system. */
const OUT_OF_MEMORY = /heap out of memory|bad_alloc|Cannot allocate memory|ENOMEM/;

const DEFAULT_LIMIT_MS = 10 * 60_000;

/**
 * A process of its own for one model: nothing of another model's threads, memory or allocator is in its times.
 * It is asked one thing at a time.
 */
export class MeasuringProcess {
  readonly #child: ChildProcess;
  readonly #options: ProcessOptions;
  readonly #closed: Promise<unknown>;
  #log = '';
  #pending: { readonly onReply: (reply: Reply) => void; readonly onError: (error: Error) => void } | undefined;
  #stopping = false;
  #guard: Guard | null = null;
  #suspended = false;

  /** Starts the process; it waits to be asked. */
  constructor(options: ProcessOptions = {}) {
    this.#options = options;
    const [program, ...before] = options.launcher ?? [];
    this.#child = fork(options.workerPath ?? builtWorker(), [], {
      ...(program === undefined ? { execArgv: [] } : { execPath: program, execArgv: [...before, process.execPath] }),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // Arrays go as they are.
      serialization: 'advanced',
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log = (this.#log + text).slice(-KEPT_LOG);
    });
    this.#child.on('message', (reply: Reply) => this.#pending?.onReply(reply));
    // One that was started says by its exit how it ended; a request that cannot be written then only comes before that.
    this.#child.on('error', (error) => {
      if (this.#child.pid === undefined) this.#pending?.onError(this.#ended(error.message));
    });
    const stop = (): void => void this.stop();
    if (options.signal !== undefined) {
      // A listener for each process, taken away with it: many are no leak.
      setMaxListeners(0, options.signal);
      options.signal.addEventListener('abort', stop);
    }
    // Not `close`: that event does not come after `disconnect` (seen with Node 20).
    const exited = new Promise<void>((resolve) => {
      this.#child.once('exit', () => resolve(this.#pending?.onError(this.#ended(this.howItEnded))));
      this.#child.once('error', () => resolve());
    });
    const silent = new Promise<void>((resolve) => this.#child.stderr?.once('close', resolve));
    this.#closed = Promise.all([exited, silent]).then(() => {
      options.signal?.removeEventListener('abort', stop);
      this.#guard?.release();
    });
  }

  /** What the process has written on standard error. */
  get log(): string {
    return this.#log;
  }

  /** Number of the process; `undefined` when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Loads a model and warms it up.
   *
   * @param setup - model, threads, recordings
   * @param onOpened - called when the session is made, before its first run; what it throws ends the process
   * @throws {InputError} when the model or a recording is bad
   * @throws {UnavailableError} when the execution provider does not exist, or the process crashed or took too long
   */
  async load(setup: Setup, onOpened: (graphics: GraphicsTraces) => void = () => undefined): Promise<Loaded> {
    return await this.#ask({ kind: 'load', setup }, this.#loadLimitMs, (reply) => {
      if (reply.kind === 'opened') onOpened(reply.graphics);
      return takeLoaded(reply);
    });
  }

  /**
   * Loads a graph that has no card, and warms it up.
   *
   * @throws {InputError} when the graph cannot be loaded or run
   * @throws {UnavailableError} when the execution provider does not exist, or the process crashed or took too long
   */
  async loadGraph(setup: GraphSetup): Promise<Loaded> {
    return await this.#ask({ kind: 'load-graph', setup }, this.#loadLimitMs, takeLoaded);
  }

  /**
   * Loads a stage of a split model.
   *
   * @throws {InputError} when it cannot be loaded
   * @throws {UnavailableError} when the process crashed or took too long
   */
  async loadStage(setup: StageSetup): Promise<Loaded> {
    return await this.#ask({ kind: 'load-stage', setup }, this.#loadLimitMs, takeLoaded);
  }

  /**
   * Runs the stage once, from what was handed to it to what it hands on.
   *
   * @throws {InputError} when the graph does not take what it was given
   * @throws {UnavailableError} when the process crashed or took too long
   */
  async runStage(run: StageRun): Promise<StageTimes> {
    return await this.#ask({ kind: 'run-stage', run }, this.#trialLimitMs, (reply) =>
      reply.kind === 'stage' ? reply.times : undefined,
    );
  }

  /**
   * Runs one trial.
   *
   * @param indices - which of the recordings
   * @param judged - whether the second decoder and the references of the set-up are asked, too, once the clock has stopped
   * @throws {UnavailableError} when the process crashed or took too long
   */
  async trial(indices: readonly number[], judged = false): Promise<Trial> {
    return await this.#ask({ kind: 'trial', indices, judged }, this.#trialLimitMs, (reply) =>
      reply.kind === 'trial' ? reply.trial : undefined,
    );
  }

  /**
   * Transcribes a recording of any length that is not among those of the set-up.
   *
   * @param path - of the recording
   * @param hearing - how it is heard
   * @param onSegment - called after each segment, with the text up to its end
   * @throws {InputError} when the recording cannot be read, or nobody wants it any more (see {@link MeasuringProcess.cancel})
   * @throws {UnavailableError} when the process crashed or took too long
   */
  async transcribe(
    path: string,
    hearing: Hearing = {},
    onSegment: (segment: TranscribedSegment, text: string) => void = () => undefined,
  ): Promise<Transcript> {
    return await this.#ask({ kind: 'transcribe', path, hearing }, this.#trialLimitMs, (reply) => {
      if (reply.kind === 'segment') onSegment(reply.segment, reply.text);
      return reply.kind === 'transcript' ? reply.transcript : undefined;
    });
  }

  /** Gives up what it transcribes: it stops after the segment that it is at. */
  cancel(): void {
    if (!this.ended && this.#child.connected) this.#child.send({ kind: 'cancel' } satisfies Request, () => undefined);
  }

  /** Ends the process at once, whatever it does. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Settles when the process is gone, however it ended. */
  get gone(): Promise<unknown> {
    return this.#closed;
  }

  /**
   * Times a small graph, which needs no loaded model.
   *
   * @throws {UnavailableError} when it does not run, or the process crashed or took too long
   */
  async timeKernel(kernel: KernelRequest): Promise<KernelTimes> {
    return await this.#ask({ kind: 'kernel', kernel }, this.#trialLimitMs, (reply) =>
      reply.kind === 'kernel' ? reply.times : undefined,
    );
  }

  /**
   * Reads how much memory the process holds.
   *
   * @throws {UnavailableError} when the process crashed or took too long
   */
  async memory(): Promise<ProcessMemory> {
    return await this.#ask({ kind: 'memory' }, this.#trialLimitMs, (reply) =>
      reply.kind === 'memory' ? reply.memory : undefined,
    );
  }

  /**
   * Stops the process where it stands (SIGSTOP), its waiting threads included: it takes nothing of the machine until it
   * is asked again. It is killed when this process ends without having ended it.
   *
   * @returns whether it stands still; `false` on Windows, which has no such signal, and without a shell to guard it
   */
  suspend(): boolean {
    if (this.#suspended) return true;
    const { pid } = this.#child;
    if (process.platform === 'win32' || pid === undefined || this.ended) return false;
    this.#guard ??= Guard.watch(pid);
    if (this.#guard === null) return false;
    this.#suspended = this.#child.kill('SIGSTOP');
    return this.#suspended;
  }

  /** Lets a suspended process go on. */
  resume(): void {
    if (!this.#suspended) return;
    this.#child.kill('SIGCONT');
    this.#suspended = false;
  }

  /** Ends the process, and waits until it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.resume();
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS);
    await this.#closed;
    clearTimeout(timer);
  }

  async #ask<T>(request: Request, limitMs: number, take: (reply: Reply) => T | undefined): Promise<T> {
    if (this.ended) throw this.#ended(this.howItEnded);
    // Whoever is asked must be able to answer.
    this.resume();
    return await new Promise<T>((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.#pending = undefined;
        act();
      };
      const fail = (error: Error): void => settle(() => reject(error));
      const timer = setTimeout(() => {
        this.#child.kill('SIGKILL');
        fail(
          new ProcessTimeoutError(
            `${this.#name}: an answer within ${limitMs / 1000} s was required, got none; look for what else runs`,
          ),
        );
      }, limitMs);
      const onReply = (reply: Reply): void => {
        if (reply.kind === 'failed') {
          fail(revive(reply.error, reply.message));
          return;
        }
        try {
          const value = take(reply);
          if (value !== undefined) settle(() => resolve(value));
        } catch (error) {
          this.#child.kill('SIGKILL');
          fail(error as Error);
        }
      };
      this.#pending = { onReply, onError: fail };
      // What is wrong with the channel, the listeners of the process hear.
      this.#child.send(request, () => undefined);
    });
  }

  /** Whether it has ended, in whatever way. */
  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get #loadLimitMs(): number {
    return this.#options.loadLimitMs ?? DEFAULT_LIMIT_MS;
  }

  get #trialLimitMs(): number {
    return this.#options.trialLimitMs ?? DEFAULT_LIMIT_MS;
  }

  get #name(): string {
    return this.#options.name ?? 'measuring process';
  }

  /** What is known of the way in which it ended. */
  get howItEnded(): string {
    const { exitCode, signalCode } = this.#child;
    const how = signalCode ?? `exit code ${exitCode}`;
    if (OUT_OF_MEMORY.test(this.#log)) return `${how}, out of memory`;
    return signalCode === 'SIGKILL' ? `${how}, from outside (where memory is short: by the system)` : how;
  }

  #ended(how: string): Error {
    const last = this.#log.trim().split('\n').slice(-3).join(' ').slice(-300);
    const said = last === '' || this.#stopping ? '' : ` (${last})`;
    return new ProcessError(`${this.#name}: a running process was required, got ${how}${said}; run again`);
  }
}

function takeLoaded(reply: Reply): Loaded | undefined {
  return reply.kind === 'loaded' ? reply.loaded : undefined;
}

/** The worker beside this file; where this file is a source, the one in the build. */
function builtWorker(): string {
  const places = ['./worker.js', '../../dist/process/worker.js'];
  const paths = places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const found = paths.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new UnavailableError(`${paths[1]}: the built worker was required, got nothing; run \`npm run build\``);
}
