import { constants } from 'node:fs';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GraphSample } from '../recognise/session/graphArrays.js';
import { ArraysFile } from './arraysFile.js';
import type { MeasuringProcess } from './process.js';
import type { CarriedState, StageRun, StageTimes } from './protocol.js';
import { type SessionControl, withProcesses } from './session.js';

/** A stage of a split model: its file, and the names of what it reads and gives. */
export interface PipelineStage {
  readonly path: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** States that it takes up where its last run left them. Default: none. */
  readonly carried?: readonly CarriedState[] | undefined;
}

/** How the processes of pipelines are started. */
export interface PipelineOptions extends SessionControl {
  /** Pipelines side by side, each with all stages. Default: 1. */
  readonly count?: number;
  /** Threads of one operator, in each process. Default: 1. */
  readonly threads?: number;
  /** Cores that the processes are held to, `threads` for each, from the first on again where there are more processes. Default: none are. */
  readonly cores?: readonly number[] | null;
  /** Program that starts a process in its own place, by the number of the process: `systemd-run --scope`, a control group. Default: that of `cores`. */
  readonly launcherOf?: ((process: number) => readonly string[]) | undefined;
  /** Keeps the memory of one run for the next. Default: true. */
  readonly arena?: boolean;
  /** Outputs of the whole model. */
  readonly outputs: readonly string[];
}

/** A sample that went through all stages. */
export interface PipelineRun {
  readonly outputs: GraphSample;
  /** From the first byte written for the first stage to the last one read from the last, waiting for stages included. */
  readonly totalMs: number;
  readonly stages: readonly StageTimes[];
}

/**
 * A split model: a process for each stage, and a sample in each of them at the same time; stages that need nothing of each other run
 * side by side. What a stage gives lies in a file in memory, from which those behind it read: no array goes through this process but the
 * inputs and outputs of the whole.
 */
export class Pipeline {
  readonly #stages: readonly PipelineStage[];
  readonly #processes: readonly MeasuringProcess[];
  readonly #outputs: readonly string[];
  readonly #folder: string;
  /** Where samples lie that are under way: one for each stage, and one that is brought. */
  readonly #free: number[];
  readonly #waiting: ((slot: number) => void)[] = [];
  /** What each stage does last: the next waits for it. */
  readonly #last: Promise<unknown>[];
  readonly #files = new Map<string, ArraysFile>();

  /**
   * @param stages - loaded by the processes, in their order
   * @param folder - for the files by which arrays are handed over
   */
  constructor(
    stages: readonly PipelineStage[],
    processes: readonly MeasuringProcess[],
    outputs: readonly string[],
    folder: string,
  ) {
    this.#stages = stages;
    this.#processes = processes;
    this.#outputs = outputs;
    this.#folder = folder;
    this.#free = Array.from({ length: stages.length + 1 }, (_, slot) => slot);
    this.#last = stages.map(() => Promise.resolve());
  }

  /**
   * Sends a sample through all stages, in the order of the calls; while it is in one of them, others can be in the rest.
   *
   * @param fresh - whether a recording begins; else it goes on where the sample before ended, with what stages carry. Default: true
   * @throws {InputError} when a stage does not take it
   * @throws {UnavailableError} when the process of a stage ended, which the error names, or there is no room for the arrays
   */
  async run(sample: GraphSample, { fresh = true }: { readonly fresh?: boolean } = {}): Promise<PipelineRun> {
    const slot = await this.#slot();
    const running: Promise<StageTimes>[] = [];
    try {
      const started = performance.now();
      this.#file(slot, 0).write(sample);
      // A stage begins when those whose arrays it reads have ended: some can run side by side.
      for (const [index, { inputs, outputs }] of this.#stages.entries()) {
        const read = this.#readsOf(inputs, index);
        const reads = read.map(({ place, names }) => ({ file: this.#path(slot, place), names }));
        const run = { reads, writes: this.#path(slot, index + 1), outputs, fresh };
        running.push(Promise.all(read.map(({ place }) => running[place - 1])).then(() => this.#turn(index, run)));
      }
      const times = await Promise.all(running);
      const found = this.#readsOf(this.#outputs, this.#stages.length).map(({ place, names }) =>
        this.#file(slot, place).read(names),
      );
      return { outputs: Object.assign({}, ...found), totalMs: performance.now() - started, stages: times };
    } finally {
      await Promise.allSettled(running);
      const next = this.#waiting.shift();
      if (next) next(slot);
      else this.#free.push(slot);
    }
  }

  /** Samples that it takes at once. */
  get depth(): number {
    return this.#stages.length + 1;
  }

  /** Lets go of the files. */
  close(): void {
    for (const file of this.#files.values()) file.close();
  }

  async #slot(): Promise<number> {
    return this.#free.shift() ?? (await new Promise((resolve) => this.#waiting.push(resolve)));
  }

  /** One sample after the other, in the order in which they came from the stage before. */
  async #turn(index: number, run: StageRun): Promise<StageTimes> {
    const process = this.#processes[index] as MeasuringProcess;
    const mine = (this.#last[index] as Promise<unknown>).then(() => process.runStage(run));
    this.#last[index] = mine.catch(() => undefined);
    return await mine;
  }

  /** Where names lie: with the sample (place 0), or with what the stage gave that makes them. */
  #readsOf(
    names: readonly string[],
    before: number,
  ): readonly { readonly place: number; readonly names: readonly string[] }[] {
    const places = new Map<number, string[]>();
    for (const name of names) {
      const maker = this.#stages.slice(0, before).findIndex(({ outputs }) => outputs.includes(name));
      places.set(maker + 1, [...(places.get(maker + 1) ?? []), name]);
    }
    return [...places].map(([place, own]) => ({ place, names: own }));
  }

  #path(slot: number, place: number): string {
    return join(this.#folder, `${slot}-${place}`);
  }

  #file(slot: number, place: number): ArraysFile {
    const path = this.#path(slot, place);
    const open = this.#files.get(path) ?? new ArraysFile(path);
    this.#files.set(path, open);
    return open;
  }
}

/**
 * Opens a split model as pipelines, and ends their processes whatever happens: where the process of one stage ends, those of the
 * others are ended, too, and the error names the one.
 *
 * @param stages - in their order; a model that was not split is one stage
 * @param use - what is done with the pipelines
 * @throws {InputError} when a stage cannot be loaded
 * @throws {UnavailableError} when the process of a stage ended, or there is no room for the arrays
 */
export async function withPipelines<T>(
  stages: readonly PipelineStage[],
  options: PipelineOptions,
  use: (pipelines: readonly Pipeline[], processes: readonly MeasuringProcess[]) => Promise<T>,
): Promise<T> {
  const { count = 1, threads = 1, cores, launcherOf, arena, outputs } = options;
  const folder = await mkdtemp(join(await sharedMemory(), 'quantlab-stages-'));
  const pipelines: Pipeline[] = [];
  try {
    return await withProcesses(options, async (start) => {
      const processes: MeasuringProcess[] = [];
      const loading: Promise<unknown>[] = [];
      for (let pipeline = 0; pipeline < count; pipeline++) {
        const own: MeasuringProcess[] = [];
        for (const [index, { path, carried }] of stages.entries()) {
          const launcher = launcherOf?.(processes.length) ?? placeOf(processes.length, threads, cores);
          const name = `stage ${index + 1} of ${stages.length} (${path})`;
          const process = start({ name, ...(launcher && { launcher }) });
          own.push(process);
          processes.push(process);
          loading.push(process.loadStage({ path, threads, arena, carried }));
        }
        const places = await mkdtemp(join(folder, 'pipeline-'));
        pipelines.push(new Pipeline(stages, own, outputs, places));
      }
      await Promise.all(loading);
      return await use(pipelines, processes);
    });
  } finally {
    for (const pipeline of pipelines) pipeline.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function placeOf(index: number, threads: number, cores?: readonly number[] | null): readonly string[] | undefined {
  if (!cores || cores.length === 0) return undefined;
  const own = Array.from({ length: threads }, (_, thread) => cores[(index * threads + thread) % cores.length]);
  return ['taskset', '-c', own.join(',')];
}

/** A folder that lies in memory; where there is none, that of temporary files. */
async function sharedMemory(): Promise<string> {
  const isThere = await access('/dev/shm', constants.W_OK).then(
    () => true,
    () => false,
  );
  return isThere ? '/dev/shm' : tmpdir();
}
