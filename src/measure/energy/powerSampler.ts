import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { UnavailableError } from '../../errors.js';
import type { EnergyMeter, EnergySource } from './energyMeter.js';

/** Power of one device at the moment of a line. */
export interface PowerReading {
  /** Which of several devices. */
  readonly device: string;
  readonly watts: number;
}

/** A program that prints power again and again. */
export interface PowerProgram {
  readonly command: string;
  readonly args: readonly string[];
  /** Reads a line; `null` for one that says nothing about power. */
  readonly parse: (line: string) => PowerReading | null;
  readonly source: EnergySource;
  /** Milliseconds from any fixed point. Default: `performance.now`. */
  readonly clock?: () => number;
  /** Longest time to the first reading, in milliseconds. Default: 10 s. */
  readonly startLimitMs?: number;
}

const START_LIMIT_MS = 10_000;

/**
 * Counts energy as power over time, from a program that prints power: each reading holds until the next one of its device.
 */
export class PowerSampler implements EnergyMeter {
  readonly source: EnergySource;
  readonly #program: PowerProgram;
  readonly #clock: () => number;
  readonly #devices = new Map<string, { watts: number; sinceMs: number }>();
  #joules = 0;
  #child: ChildProcess | undefined;
  #ended: string | null = null;

  constructor(program: PowerProgram) {
    this.#program = program;
    this.source = program.source;
    this.#clock = program.clock ?? (() => performance.now());
  }

  /** Starts the program and waits for its first reading. */
  async start(): Promise<void> {
    const { command, args, startLimitMs = START_LIMIT_MS } = this.#program;
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-1000);
    });
    await new Promise<void>((resolve, reject) => {
      const fail = (how: string): void => {
        this.#ended = how;
        reject(new UnavailableError(`${command}: power in watts was required, got ${how}`));
      };
      const timer = setTimeout(() => {
        child.kill();
        fail(`none in ${startLimitMs / 1000} s`);
      }, startLimitMs);
      const lines = createInterface({ input: child.stdout });
      let last = '';
      lines.on('line', (line) => {
        if (line.trim() !== '') last = line.trim();
        if (!this.#take(line)) return;
        clearTimeout(timer);
        resolve();
      });
      child.once('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        fail(error.code === 'ENOENT' ? 'no such program' : error.message);
      });
      // `close`, not `exit`: what it printed last has then been read.
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        const detail = said.trim().split('\n').at(-1) || last;
        fail(`${signal ?? `exit code ${code}`}${detail === '' ? '' : ` (${detail.slice(0, 200)})`}`);
      });
    });
    await this.read();
  }

  /** Energy since the last reading, in joules. */
  async read(): Promise<number> {
    if (this.#ended !== null) {
      throw new UnavailableError(`${this.#program.command}: power in watts was required, got ${this.#ended}`);
    }
    const now = this.#clock();
    for (const device of this.#devices.values()) this.#hold(device, now);
    const joules = this.#joules;
    this.#joules = 0;
    return joules;
  }

  /** Ends the program, and waits until it is gone. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null || this.#ended !== null) return;
    const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.kill();
    await gone;
  }

  #take(line: string): boolean {
    const reading = this.#program.parse(line);
    if (reading === null) return false;
    const now = this.#clock();
    const device = this.#devices.get(reading.device);
    if (device !== undefined) this.#hold(device, now);
    this.#devices.set(reading.device, { watts: reading.watts, sinceMs: now });
    return true;
  }

  #hold(device: { readonly watts: number; sinceMs: number }, now: number): void {
    this.#joules += (device.watts * (now - device.sinceMs)) / 1000;
    device.sinceMs = now;
  }
}

/** Power of NVIDIA's GPUs, all of them together, by `nvidia-smi`. */
export function nvidiaPower(): PowerProgram {
  return {
    command: 'nvidia-smi',
    args: ['--query-gpu=index,power.draw', '--format=csv,noheader,nounits', '--loop-ms=100'],
    parse: parseNvidia,
    source: {
      method: 'nvidia-smi',
      estimated: false,
      scope: 'the boards of all NVIDIA GPUs, ten readings a second; not the processor beside them',
      citation: null,
    },
  };
}

/** Power of Apple's processors by `powermetrics`, which only root may run. */
export function applePower(): PowerProgram {
  return {
    command: 'powermetrics',
    args: ['--samplers', 'cpu_power', '--sample-rate', '200'],
    parse: parsePowermetrics,
    source: {
      method: 'powermetrics',
      estimated: false,
      scope: 'the processor cores, five readings a second; all that runs on the machine is in it',
      citation: null,
    },
  };
}

/**
 * Reads a line `index, watts` of `nvidia-smi`.
 *
 * @returns `null` for one without a number, as cards print that do not measure their power (`[N/A]`)
 * @example parseNvidia('0, 27.41') // { device: '0', watts: 27.41 }
 */
export function parseNvidia(line: string): PowerReading | null {
  const match = /^\s*(\d+),\s*(\d+(?:\.\d+)?)\s*$/.exec(line);
  return match === null ? null : { device: match[1] ?? '', watts: Number(match[2]) };
}

/**
 * Reads a line of `powermetrics`: milliwatts of Apple's own processors, watts of Intel's.
 *
 * @example parsePowermetrics('CPU Power: 1234 mW') // { device: 'cpu', watts: 1.234 }
 */
export function parsePowermetrics(line: string): PowerReading | null {
  const apple = /^CPU Power:\s*(\d+(?:\.\d+)?)\s*mW/.exec(line);
  if (apple !== null) return { device: 'cpu', watts: Number(apple[1]) / 1000 };
  const intel = /^Intel energy model derived package power \(.*\):\s*(\d+(?:\.\d+)?)\s*W/.exec(line);
  return intel === null ? null : { device: 'cpu', watts: Number(intel[1]) };
}
