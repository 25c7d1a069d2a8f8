import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeModel } from '../../onnx/file/write.js';
import type { KernelTimes } from '../../process/protocol.js';
import { type SessionControl, withProcesses } from '../../process/session.js';
import type { Kernel } from './kernels.js';

/** How a kernel is run. */
export interface KernelOptions extends SessionControl {
  /** As ONNX Runtime names it. Default: `cpu`. */
  readonly executionProvider?: string;
  /** Default: 1. */
  readonly threads?: number;
  /** Default: 10. */
  readonly runs?: number;
  readonly verbose?: boolean;
  /** Longest time for everything, in milliseconds. Default: two minutes. */
  readonly limitMs?: number;
}

/** How a kernel ran. */
export interface KernelRun extends KernelTimes {
  /** Standard error of the process. */
  readonly log: string;
}

const LIMIT_MS = 120_000;
const DEFAULT_RUNS = 10;

/**
 * Runs a kernel in a process of its own: a provider that crashes or hangs ends that process alone.
 *
 * @throws {UnavailableError} when it does not run, or the process crashed or took too long
 */
export async function runKernel(kernel: Kernel, options: KernelOptions = {}): Promise<KernelRun> {
  const { executionProvider = 'cpu', threads = 1, runs = DEFAULT_RUNS, verbose = false, limitMs = LIMIT_MS } = options;
  const folder = await mkdtemp(join(tmpdir(), 'quantlab-kernel-'));
  try {
    const path = join(folder, 'kernel.onnx');
    await writeModel(kernel.model, path);
    return await withProcesses(options, async (start) => {
      const process = start({ name: `kernel on ${executionProvider}`, trialLimitMs: limitMs });
      const { inputs } = kernel;
      const times = await process.timeKernel({ path, executionProvider, threads, inputs, runs, verbose });
      // Its log is whole when it has ended.
      await process.stop();
      return { ...times, log: process.log };
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
