import { fromTensors, toTensors } from '../recognise/session/graphArrays.js';
import type { ModelSession } from '../recognise/session/modelSession.js';
import { openSession } from '../recognise/session/session.js';
import type { Tensor } from '../runtime.js';
import { ArraysFile } from './arraysFile.js';
import type { Loaded, StageRun, StageSetup, StageTimes } from './protocol.js';

/** A stage of a split model, in the process that runs it. */
export class StageGraph {
  readonly #session: ModelSession;
  readonly #files = new Map<string, ArraysFile>();

  private constructor(session: ModelSession) {
    this.#session = session;
  }

  /** Loads a stage; its first run comes with the first sample. */
  static async load({
    path,
    threads,
    arena,
  }: StageSetup): Promise<{ readonly stage: StageGraph; readonly loaded: Loaded }> {
    const started = performance.now();
    const session = await openSession(path, { threads, ...(arena !== undefined && { arena }) });
    return { stage: new StageGraph(session), loaded: { loadMs: performance.now() - started, firstRunMs: 0 } };
  }

  /** Reads what was handed to it, runs, and hands on. */
  async run({ reads, writes, outputs }: StageRun): Promise<StageTimes> {
    const started = performance.now();
    let readBytes = 0;
    const feeds: Record<string, Tensor> = {};
    for (const { file, names } of reads) {
      const arrays = this.#file(file).read(names);
      for (const { data } of Object.values(arrays)) readBytes += data.byteLength;
      Object.assign(feeds, toTensors(arrays));
    }
    const read = performance.now();
    const values = await this.#session.run(feeds, outputs);
    const ran = performance.now();
    const writtenBytes = this.#file(writes).write(fromTensors(values));
    return {
      readMs: read - started,
      runMs: ran - read,
      writeMs: performance.now() - ran,
      readBytes,
      writtenBytes,
    };
  }

  #file(path: string): ArraysFile {
    const open = this.#files.get(path) ?? new ArraysFile(path);
    this.#files.set(path, open);
    return open;
  }
}
