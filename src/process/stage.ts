import { fromTensors, toTensors } from '../recognise/session/graphArrays.js';
import type { ModelSession } from '../recognise/session/modelSession.js';
import { openSession } from '../recognise/session/session.js';
import { Tensor } from '../runtime.js';
import { ArraysFile } from './arraysFile.js';
import type { CarriedState, Loaded, StageRun, StageSetup, StageTimes } from './protocol.js';

/** A stage of a split model, in the process that runs it. */
export class StageGraph {
  readonly #session: ModelSession;
  readonly #carried: readonly CarriedState[];
  #states: Readonly<Record<string, Tensor>> = {};
  readonly #files = new Map<string, ArraysFile>();

  private constructor(session: ModelSession, carried: readonly CarriedState[]) {
    this.#session = session;
    this.#carried = carried;
  }

  /** Loads a stage; its first run comes with the first sample. */
  static async load({
    path,
    threads,
    arena,
    carried = [],
  }: StageSetup): Promise<{ readonly stage: StageGraph; readonly loaded: Loaded }> {
    const started = performance.now();
    const session = await openSession(path, { threads, ...(arena !== undefined && { arena }) });
    return { stage: new StageGraph(session, carried), loaded: { loadMs: performance.now() - started, firstRunMs: 0 } };
  }

  /** Reads what was handed to it, runs, and hands on. */
  async run({ reads, writes, outputs, fresh }: StageRun): Promise<StageTimes> {
    const started = performance.now();
    let readBytes = 0;
    const feeds: Record<string, Tensor> = {};
    for (const { file, names } of reads) {
      const arrays = this.#file(file).read(names);
      for (const { data } of Object.values(arrays)) readBytes += data.byteLength;
      Object.assign(feeds, toTensors(arrays));
    }
    const read = performance.now();
    for (const { input, output, shape } of this.#carried) {
      const zeros = new Float32Array(shape.reduce((product, size) => product * size, 1));
      feeds[input] = (fresh ? undefined : this.#states[output]) ?? new Tensor('float32', zeros, shape);
    }
    const states = this.#carried.map(({ output }) => output);
    const found = await this.#session.run(feeds, [...outputs, ...states]);
    const select = (names: readonly string[]): Record<string, Tensor> =>
      Object.fromEntries(names.map((name) => [name, found[name] as Tensor]));
    this.#states = select(states);
    const values = select(outputs);
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
