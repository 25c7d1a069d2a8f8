import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PeerHearing } from 'quantlab/measure';
import { median, rounded } from '../quantizer/processes.js';
import { type Answer, Worker } from './worker.js';

/** What is measured: a program that hears recordings, with the files that it loads. */
export interface Condition {
  readonly id: string;
  /** For tables and figures. */
  readonly title: string;
  /** What it is, in a sentence. */
  readonly description: string;
  readonly isOurs: boolean;
  readonly program: string;
  /** Arguments, by the number of threads. */
  readonly args: (threads: number) => readonly string[];
  /** Files or folders that it loads. */
  readonly files: readonly string[];
}

/** A condition that cannot be had, and why. */
export interface Missing {
  readonly title: string;
  readonly reason: string;
}

/** What is heard: samples or features, as raw float32 numbers in a file. */
export interface Sound {
  readonly id: string;
  readonly path: string;
}

/** How it is measured. */
export interface Protocol {
  readonly threads: readonly number[];
  /** For all numbers of threads together; the recordings that are left when the time is over are left out. */
  readonly minutes: number;
  /** How often a recording is heard in a turn before and while it counts. */
  readonly uncounted: number;
  readonly counted: number;
}

/** What came out. */
export interface Turns {
  readonly heard: readonly PeerHearing[];
  /** Of each condition that answered. */
  readonly versions: ReadonlyMap<string, string>;
  /** Bytes of the network, where a program makes it itself. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly missing: readonly Missing[];
  /** Share of the processors' time that others had meanwhile. */
  readonly othersShare: number;
}

/** One tick of `/proc`, in seconds. */
const TICK_S = 0.01;

/**
 * Has one recording after another heard by all conditions, each in a process of its own that stays alive, in an order that turns.
 *
 * @param say - told what goes on
 */
export async function hearInTurns(
  conditions: readonly Condition[],
  sounds: readonly Sound[],
  protocol: Protocol,
  say: (text: string) => void,
): Promise<Turns> {
  const heard: PeerHearing[] = [];
  const versions = new Map<string, string>();
  const sizes = new Map<string, number>();
  const missing: Missing[] = [];
  let [busyS, allS, ownS] = [0, 0, 0];
  for (const threads of protocol.threads) {
    const workers = new Map<Condition, Worker>();
    try {
      for (const condition of conditions) {
        try {
          const worker = await Worker.start(condition.program, condition.args(threads), threads);
          workers.set(condition, worker);
          // The first run of each is slower: memory is asked for, code is read.
          await worker.hear(sounds[0]?.path ?? '');
          versions.set(condition.id, worker.version);
          if (worker.sizeBytes !== undefined) sizes.set(condition.id, worker.sizeBytes);
        } catch (error) {
          workers.get(condition)?.end();
          workers.delete(condition);
          const { message } = error as Error;
          say(`${condition.title}: ${message}`);
          if (!missing.some(({ title }) => title === condition.title)) {
            missing.push({ title: condition.title, reason: message });
          }
        }
      }
      const before = processorsNow([...workers.values()]);
      const endsAt = performance.now() + (protocol.minutes * 60_000) / protocol.threads.length;
      for (const [index, sound] of sounds.entries()) {
        if (performance.now() > endsAt) {
          say(`${threads} threads: ${index} of ${sounds.length} recordings, the time was over`);
          break;
        }
        const order = [...workers];
        const first = index % Math.max(1, order.length);
        for (const [condition, worker] of [...order.slice(first), ...order.slice(0, first)]) {
          const answers: Answer[] = [];
          for (let run = -protocol.uncounted; run < protocol.counted; run++) {
            const answer = await worker.hear(sound.path);
            if (run >= 0) answers.push(answer);
          }
          heard.push({ condition: condition.id, threads, recording: sound.id, ...middleOf(answers) });
        }
        if (index % 10 === 9) say(`${threads} threads: ${index + 1} of ${sounds.length} recordings`);
      }
      const after = processorsNow([...workers.values()]);
      busyS += after.busyS - before.busyS;
      allS += after.allS - before.allS;
      ownS += after.ownS - before.ownS;
    } finally {
      for (const worker of workers.values()) worker.end();
    }
  }
  return { heard, versions, sizes, missing, othersShare: Math.max(0, rounded((busyS - ownS) / allS, 4)) };
}

/** What a condition said in one turn, as one hearing: times are medians. */
function middleOf(answers: readonly Answer[]): Omit<PeerHearing, 'condition' | 'threads' | 'recording'> {
  const [first] = answers;
  if (first === undefined) throw new Error('at least one counted hearing is required in a turn');
  const partCount = first.parts?.length ?? 0;
  const partsOf = (part: number): number => rounded(median(answers.map(({ parts = [] }) => parts[part] ?? 0)), 1);
  return {
    ms: rounded(median(answers.map(({ ms }) => ms)), 2),
    processorMs: rounded(median(answers.map(({ processorMs }) => processorMs)), 2),
    peakBytes: Math.max(...answers.map(({ peakBytes }) => peakBytes)),
    text: first.text.trim(),
    ...(partCount > 0 && { parts: Array.from({ length: partCount }, (_, part) => partsOf(part)) }),
    ...(first.output !== undefined && { output: first.output }),
  };
}

/** Processor time since the system began, of all and of the bench. Linux only. */
function processorsNow(workers: readonly Worker[]): {
  readonly busyS: number;
  readonly allS: number;
  readonly ownS: number;
} {
  const [, ...ticks] = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.trim().split(/\s+/) ?? [];
  // user nice system idle iowait irq softirq steal; what follows is in user and nice already.
  const [user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, irq = 0, softIrq = 0, steal = 0] = ticks.map(Number);
  const busy = user + nice + system + irq + softIrq;
  const { user: ownUser, system: ownSystem } = process.cpuUsage();
  const ofWorkers = workers.reduce((sum, { pid }) => sum + processorTicksOf(pid), 0);
  return {
    busyS: busy * TICK_S,
    allS: (busy + idle + ioWait + steal) * TICK_S,
    ownS: (ownUser + ownSystem) / 1e6 + ofWorkers * TICK_S,
  };
}

function processorTicksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold spaces; of what follows it, user and system are the twelfth and thirteenth.
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return user + system;
}

/** Bytes of the network: what a program loads besides words and settings. */
export async function modelBytes(files: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const file of files) {
    const found = await stat(file);
    if (!found.isDirectory()) bytes += found.size;
    else
      for (const name of await readdir(file))
        if (/\.(onnx|bin)$/.test(name)) bytes += (await stat(join(file, name))).size;
  }
  return bytes;
}
