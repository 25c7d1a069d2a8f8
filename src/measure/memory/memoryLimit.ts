import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { InputError, UnavailableError } from '../../errors.js';
import { ProcessError } from '../../process/processError.js';
import { readProcessMemory } from '../../process/processMemory.js';
import { type SessionControl, withProcesses } from '../../process/session.js';
import type { ResolvedModel } from '../../recognise/model.js';
import type { Recording } from '../../speech/types.js';

/**
 * How memory was limited. `kernel`: by a control group of systemd's, which reclaims what it can and then ends the process.
 * `watched`: the process was ended when the most that was ever resident (`VmHWM`, which the kernel keeps) passed the
 * limit: stricter, since a system short of memory would drop pages of files first.
 *
 * Not by `RLIMIT_AS`: it counts addresses, of which Node reserves gigabytes that it never touches.
 */
export type LimitMethod = 'kernel' | 'watched';

/** A small device: one core, and so much memory. */
export interface LimitOptions extends SessionControl {
  /** Default: 256 · 2²⁰. */
  readonly limitBytes?: number;
  /** What the model hears, in turns. */
  readonly recordings: readonly Recording[];
  /** Runs after loading. Default: 20. */
  readonly runs?: number;
  /** Keeps the memory of one run for the next. Default: false, which takes the least. */
  readonly arena?: boolean;
  /** Default: `kernel` where systemd makes a control group, else `watched`. */
  readonly method?: LimitMethod;
}

/** Whether a model ran within a limit. */
export interface LimitResult {
  readonly fits: boolean;
  readonly limitBytes: number;
  readonly method: LimitMethod;
  /** Processor that it was held to. */
  readonly core: number;
  readonly arena: boolean;
  /** The most that was resident, until it ended; `null` when that came before the first reading. */
  readonly peakBytes: number | null;
  /** Of what was resident last: pages that belong to no file, which must fit on any device. */
  readonly anonymousBytes: number | null;
  /** Mean time of a run on the one core; `null` where none ended. */
  readonly meanMs: number | null;
  /** Why it does not fit; `null` where it does. */
  readonly reason: string | null;
}

/** Memory of the small device of the measurements, in bytes. */
export const SMALL_DEVICE_BYTES: number = 256 * 2 ** 20;

const DEFAULT_RUNS = 20;

/** How often a watched process is looked at; the mark that is read misses nothing in between. */
const WATCH_MS = 20;

const run = promisify(execFile);

/**
 * Loads and runs a model on one core within a limit of memory.
 *
 * @throws {InputError} when the model or a recording is bad, or the limit is none
 * @throws {UnavailableError} when this is not Linux, or `taskset` is missing
 */
export async function runWithinLimit(model: ResolvedModel, options: LimitOptions): Promise<LimitResult> {
  const { recordings, limitBytes = SMALL_DEVICE_BYTES, runs = DEFAULT_RUNS, arena = false, signal } = options;
  if (!(Number.isFinite(limitBytes) && limitBytes > 0)) {
    throw new InputError(`memory limit: a number of bytes above 0 was required, got ${limitBytes}`);
  }
  if (recordings.length === 0) throw new InputError('memory limit: at least one recording was required, got none');
  const core = await requireOneCore();
  const method = options.method ?? ((await systemdCommand(limitBytes)) === null ? 'watched' : 'kernel');
  const group = method === 'kernel' ? await systemdCommand(limitBytes) : [];
  if (group === null) {
    throw new UnavailableError("memory limit: systemd's control groups were required, got none; use `watched`");
  }
  return await withProcesses(options, async (start) => {
    const launcher = [...group, 'taskset', '-c', String(core)];
    const process = start({ name: model.card.id, launcher });
    const watch = new Watch(process.pid, method === 'watched' ? limitBytes : Number.POSITIVE_INFINITY);
    const times: number[] = [];
    let reason: string | null = null;
    try {
      await process.load({ model, executionProvider: 'cpu', threads: 1, arena, recordings, warmUp: [] });
      for (let index = 0; index < runs; index++) times.push((await process.trial([index % recordings.length])).totalMs);
      watch.look();
      if (watch.over) reason = `${Math.ceil(watch.peakBytes / 2 ** 20)} MiB were resident`;
    } catch (error) {
      if (signal?.aborted || !(error instanceof ProcessError)) throw error;
      reason = watch.over ? `${Math.ceil(watch.peakBytes / 2 ** 20)} MiB were resident` : `it ended: ${error.message}`;
    } finally {
      watch.end();
    }
    return {
      fits: reason === null,
      limitBytes,
      method,
      core,
      arena,
      peakBytes: watch.peakBytes > 0 ? watch.peakBytes : null,
      anonymousBytes: watch.anonymousBytes,
      meanMs: times.length > 0 ? times.reduce((total, time) => total + time, 0) / times.length : null,
      reason,
    };
  });
}

/** Searching for the smallest limit. */
export interface SmallestLimitOptions extends Omit<LimitOptions, 'limitBytes'> {
  /** How exact the answer is, in bytes. Default: 4 · 2²⁰. */
  readonly toleranceBytes?: number;
  /** Called after each try. */
  readonly onTry?: (result: LimitResult) => void;
}

/**
 * Finds the smallest limit of memory within which a model runs on one core, by bisection: each limit is tried by a
 * process of its own.
 *
 * @returns what was found at that limit, which fits, and all tries
 * @throws {InputError} when the model or a recording is bad
 * @throws {UnavailableError} when this is not Linux, `taskset` is missing, or no limit below 64 GiB fits
 */
export async function findSmallestLimit(
  model: ResolvedModel,
  options: SmallestLimitOptions,
): Promise<{ readonly smallest: LimitResult; readonly tries: readonly LimitResult[] }> {
  const { toleranceBytes = 4 * 2 ** 20, onTry, ...limits } = options;
  const tries: LimitResult[] = [];
  const attempt = async (limitBytes: number): Promise<LimitResult> => {
    const result = await runWithinLimit(model, { ...limits, limitBytes });
    tries.push(result);
    onTry?.(result);
    return result;
  };
  let below = 0;
  let smallest = await attempt(SMALL_DEVICE_BYTES);
  while (!smallest.fits) {
    below = smallest.limitBytes;
    if (below >= 2 ** 36) {
      throw new UnavailableError(`memory limit: one that fits was required, got none: ${smallest.reason}`);
    }
    smallest = await attempt(2 * below);
  }
  while (smallest.limitBytes - below > toleranceBytes) {
    const result = await attempt(Math.round((below + smallest.limitBytes) / 2));
    if (result.fits) smallest = result;
    else below = result.limitBytes;
  }
  return { smallest, tries };
}

/** Looks at a process again and again, and ends it when it has had more than it may. */
class Watch {
  readonly #pid: number | undefined;
  readonly #limitBytes: number;
  readonly #timer: NodeJS.Timeout;
  peakBytes = 0;
  anonymousBytes: number | null = null;

  constructor(pid: number | undefined, limitBytes: number) {
    this.#pid = pid;
    this.#limitBytes = limitBytes;
    this.#timer = setInterval(() => this.look(), WATCH_MS);
  }

  get over(): boolean {
    return this.peakBytes > this.#limitBytes;
  }

  look(): void {
    if (this.#pid === undefined) return;
    try {
      const { peakBytes, anonymousBytes } = readProcessMemory(this.#pid);
      this.peakBytes = Math.max(this.peakBytes, peakBytes);
      this.anonymousBytes = anonymousBytes;
      if (this.over) process.kill(this.#pid, 'SIGKILL');
    } catch {
      // It has ended: whoever waits for its answer says so.
    }
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

/** The first processor that this process may use. */
async function requireOneCore(): Promise<number> {
  if (!existsSync('/proc/self/status')) {
    throw new UnavailableError('memory limit: Linux was required, got another system; measure the peak instead');
  }
  const works = await run('taskset', ['--version']).then(
    () => true,
    () => false,
  );
  if (!works) throw new UnavailableError('memory limit: `taskset` was required, got none; install util-linux');
  return Number(/^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);
}

/** The command that starts a program in a control group of its own; `null` where systemd does not make one. */
async function systemdCommand(limitBytes: number): Promise<readonly string[] | null> {
  const user = process.getuid?.() === 0 ? [] : ['--user'];
  const command = ['systemd-run', ...user, '--scope', '--quiet', '--collect'];
  const limits = ['-p', `MemoryMax=${limitBytes}`, '-p', 'MemorySwapMax=0'];
  const works = await run('systemd-run', [...command.slice(1), ...limits, 'true'], { timeout: 10_000 }).then(
    () => true,
    () => false,
  );
  return works ? [...command, ...limits] : null;
}
