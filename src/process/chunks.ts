import type { Elements, GraphSample } from '../recognise/session/graphArrays.js';
import type { Pipeline, PipelineRun } from './pipeline.js';

/**
 * Cuts a recording into pieces of consecutive steps. Steps are the first axis that is longer than one; arrays without such an axis,
 * or with another length of it, go to every piece.
 *
 * @param steps - of a piece; the last may be shorter
 */
export function cutSample(sample: GraphSample, steps: number): readonly GraphSample[] {
  const all = Math.max(...Object.values(sample).map(({ shape }) => shape[stepAxis(shape)] ?? 1));
  return Array.from({ length: Math.max(1, Math.ceil(all / steps)) }, (_, piece) => {
    const [begin, end] = [piece * steps, Math.min(all, (piece + 1) * steps)];
    return Object.fromEntries(
      Object.entries(sample).map(([name, array]) => {
        const { type, shape, data } = array;
        const axis = stepAxis(shape);
        if (shape[axis] !== all || all === 1) return [name, array];
        const width = data.length / all;
        return [name, { type, shape: shape.with(axis, end - begin), data: data.slice(begin * width, end * width) }];
      }),
    );
  });
}

/** What pieces gave, as one: joined where their steps are, else that of the last. */
function joinSamples(pieces: readonly GraphSample[], steps: number): GraphSample {
  const [first = {}] = pieces;
  return Object.fromEntries(
    Object.entries(first).map(([name, array]) => {
      const axis = stepAxis(array.shape);
      const parts = pieces.map((piece) => piece[name] ?? array);
      if (pieces.length === 1 || array.shape[axis] !== steps) return [name, parts.at(-1) ?? array];
      const length = parts.reduce((sum, { shape }) => sum + (shape[axis] ?? 0), 0);
      const data = new (array.data.constructor as new (length: number) => Elements)(
        parts.reduce((sum, part) => sum + part.data.length, 0),
      );
      let at = 0;
      for (const part of parts) {
        (data as Float32Array).set(part.data as Float32Array, at);
        at += part.data.length;
      }
      return [name, { type: array.type, shape: array.shape.with(axis, length), data }];
    }),
  );
}

/**
 * Sends one recording through a pipeline in pieces: while one is in a stage, the next is in the stage before. Its stages carry
 * their states from piece to piece (`carryStates`).
 *
 * @param steps - of a piece, at least 2
 * @returns as of the whole recording; times of the stages are sums
 */
export async function runInChunks(pipeline: Pipeline, sample: GraphSample, steps: number): Promise<PipelineRun> {
  const started = performance.now();
  // Asked for at once, so that no other recording comes between.
  const runs = await Promise.all(
    cutSample(sample, steps).map((piece, index) => pipeline.run(piece, { fresh: index === 0 })),
  );
  const outputs = joinSamples(
    runs.map((run) => run.outputs),
    steps,
  );
  const stages = (runs[0]?.stages ?? []).map((_, stage) => {
    const own = runs.flatMap((run) => run.stages[stage] ?? []);
    const add = (of: (times: (typeof own)[number]) => number): number => own.reduce((sum, one) => sum + of(one), 0);
    return {
      readMs: add((one) => one.readMs),
      runMs: add((one) => one.runMs),
      writeMs: add((one) => one.writeMs),
      readBytes: add((one) => one.readBytes),
      writtenBytes: add((one) => one.writtenBytes),
    };
  });
  return { outputs, totalMs: performance.now() - started, stages };
}

function stepAxis(shape: readonly number[]): number {
  return Math.max(
    0,
    shape.findIndex((size) => size > 1),
  );
}
