/** The process of one kernel, started by {@link runKernel}: opens it, runs it, tells the times of the runs, and ends. */

import { readGraphics } from '../../process/graphics.js';
import { env, InferenceSession, Tensor } from '../../runtime.js';
import type { KernelReply, KernelRequest } from './kernelProtocol.js';
import type { KernelInput } from './kernels.js';

/** Runs that are not counted: the first finds memory and starts threads. */
const WARM_UP_RUNS = 2;

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

async function work(request: KernelRequest): Promise<KernelReply> {
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
    return { kind: 'ran', timesMs, ...readGraphics() };
  } catch (error) {
    return { kind: 'failed', message: (error as Error).message };
  }
}

process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(0));
process.on('message', (request: KernelRequest) => {
  void work(request).then((reply) => process.send?.(reply, () => process.disconnect?.()));
});
