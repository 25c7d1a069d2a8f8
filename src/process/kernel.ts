import { UnavailableError } from '../errors.js';
import { env, InferenceSession, Tensor } from '../runtime.js';
import { readGraphics } from './graphics.js';
import type { KernelInput, KernelRequest, KernelTimes } from './protocol.js';

/** Runs that are not counted: the first finds memory and starts threads. */
const WARM_UP_RUNS = 2;

/**
 * Opens a small graph in this process and times its runs. Any execution provider may be asked for, not only those that models are
 * measured on.
 *
 * @throws {UnavailableError} with what the runtime said, when it does not open or run
 */
export async function timeKernel(request: KernelRequest): Promise<KernelTimes> {
  const { path, executionProvider, threads, inputs, runs, verbose } = request;
  try {
    env.logLevel = verbose ? 'verbose' : 'error';
    const session = await InferenceSession.create(path, {
      executionProviders: [executionProvider],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: verbose ? 0 : 3,
    });
    const feeds = Object.fromEntries(inputs.map((input) => [input.name, valuesOf(input)]));
    const timesMs: number[] = [];
    for (let run = -WARM_UP_RUNS; run < runs; run++) {
      const started = performance.now();
      await session.run(feeds);
      if (run >= 0) timesMs.push(performance.now() - started);
    }
    return { timesMs, graphics: readGraphics() };
  } catch (error) {
    throw new UnavailableError((error as Error).message, { cause: error });
  }
}

function valuesOf({ dtype, shape }: KernelInput): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  // Written, so that each page is memory of its own; not zero, not denormal, and a product does not grow along a chain.
  const scale = Math.sqrt(3 / (shape.at(-1) ?? 1));
  const data =
    dtype === 'uint8'
      ? Uint8Array.from({ length: count }, (_, index) => index % 251)
      : new Float32Array(count).map((_, index) => (((index * 7919) % 1009) / 504 - 1) * scale);
  return new Tensor(dtype, data, [...shape]);
}
