import { type GraphSample, toTensors } from '../recognise/session/graphArrays.js';
import type { ModelSession } from '../recognise/session/modelSession.js';
import { openSession } from '../recognise/session/session.js';
import type { GraphSetup, Loaded, Trial } from './protocol.js';

/** A graph that nothing is known of but its file, and what it is fed with. */
export class BareGraph {
  readonly #session: ModelSession;
  readonly #samples: readonly GraphSample[];

  private constructor(session: ModelSession, samples: readonly GraphSample[]) {
    this.#session = session;
    this.#samples = samples;
  }

  /** Loads a graph and warms it up. */
  static async load(setup: GraphSetup): Promise<{ readonly graph: BareGraph; readonly loaded: Loaded }> {
    const { path, executionProvider, threads, samples, warmUpRuns } = setup;
    const started = performance.now();
    const graph = new BareGraph(await openSession(path, { executionProvider, threads }), samples);
    const loadMs = performance.now() - started;
    let firstRunMs = 0;
    for (let run = 0; run < warmUpRuns; run++) {
      const { totalMs } = await graph.run([0]);
      if (run === 0) firstRunMs = totalMs;
    }
    return { graph, loaded: { loadMs, firstRunMs } };
  }

  /** Runs samples, one after the other. */
  async run(indices: readonly number[]): Promise<Trial> {
    const feeds = indices.map((index) => toTensors(this.#samples[index] ?? {}));
    const before = process.cpuUsage();
    const started = performance.now();
    for (const one of feeds) await this.#session.run(one);
    const totalMs = performance.now() - started;
    const { user, system } = process.cpuUsage(before);
    return {
      utterances: indices.map(String),
      audioS: 0,
      totalMs,
      featuresMs: 0,
      inferenceMs: totalMs,
      decodingMs: 0,
      cpuMs: (user + system) / 1000,
      texts: [],
    };
  }
}
