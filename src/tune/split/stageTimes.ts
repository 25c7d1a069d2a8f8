import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeModel } from '../../onnx/file/write.js';
import type { Stage } from '../../onnx/split/cutGraph.js';
import type { ModelSession } from '../../recognise/session/modelSession.js';
import { openSession } from '../../recognise/session/session.js';
import type { Tensor } from '../../runtime.js';
import { type RunOptions, threadsOf } from '../runModel.js';

const WARM_UP_RUNS = 2;
const RUNS = 7;

/**
 * Time of each stage as the runtime runs it, everything fused: the fastest of some runs of all feeds together, which other work on
 * the machine disturbs least.
 *
 * @param feeds - inputs of the whole model, a record a run
 * @returns milliseconds
 * @throws {InputError} when a stage cannot be loaded or run
 */
export async function stageTimes(
  stages: readonly Stage[],
  feeds: readonly Readonly<Record<string, Tensor>>[],
  options: RunOptions,
): Promise<readonly number[]> {
  const folder = await mkdtemp(join(tmpdir(), 'quantlab-split-'));
  const values = feeds.map((one): Record<string, Tensor | undefined> => ({ ...one }));
  const times: number[] = [];
  try {
    for (const [index, { model, inputs, outputs }] of stages.entries()) {
      const path = join(folder, `stage-${index + 1}.onnx`);
      await writeModel(model, path);
      const session = await openSession(path, threadsOf(options));
      try {
        times.push(await fastest(session, values, inputs, outputs, options));
      } finally {
        await session.release();
        await rm(path);
      }
    }
    return times;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs a stage on each record of values, and leaves there what it gives. */
async function fastest(
  session: ModelSession,
  values: readonly Record<string, Tensor | undefined>[],
  inputs: readonly string[],
  outputs: readonly string[],
  { signal }: RunOptions,
): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < WARM_UP_RUNS + RUNS; run++) {
    let took = 0;
    for (const own of values) {
      signal?.throwIfAborted();
      const given = Object.fromEntries(inputs.map((name) => [name, own[name] as Tensor]));
      const started = performance.now();
      const found = await session.run(given, outputs);
      took += performance.now() - started;
      Object.assign(own, found);
    }
    if (run >= WARM_UP_RUNS) least = Math.min(least, took);
  }
  return least;
}
