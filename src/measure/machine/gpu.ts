import { UnavailableError } from '../../errors.js';
import { findImitation } from '../../process/graphics.js';
import type { ProcessOptions } from '../../process/process.js';
import type { Setup } from '../../process/protocol.js';
import { type SessionControl, withProcesses } from '../../process/session.js';
import type { ExecutionProvider } from '../../recognise/session/session.js';
import { type Placement, parsePlacement } from './placement.js';

/** A GPU that has run the model, or the reasons why there is none. */
export type GpuSearch =
  | { readonly found: true; readonly executionProvider: ExecutionProvider; readonly placement: Placement }
  | { readonly found: false; readonly reason: string };

/** What is tried, in this order: NVIDIA's own library, then Vulkan, Metal or Direct3D 12. */
const GPU_PROVIDERS = [
  ['cuda', 'CUDA'],
  ['webgpu', 'WebGPU'],
] as const;

/** Longest time for loading and one run, in milliseconds. */
const PROBE_LIMIT_MS = 60_000;

/**
 * Looks for a GPU by running the model on it, in a process of its own for each way: a crash or a hang there is an answer.
 * A program that imitates a GPU is not taken for one, nor is a session whose work falls back to the processor.
 *
 * @param setup - the model, and one short recording
 * @param options - limits, and the program of the process
 */
export async function findGpu(
  setup: Pick<Setup, 'model' | 'recordings'>,
  options: SessionControl & Pick<ProcessOptions, 'loadLimitMs'> = {},
): Promise<GpuSearch> {
  const reasons: string[] = [];
  for (const [executionProvider, title] of GPU_PROVIDERS) {
    if (options.signal?.aborted) break;
    try {
      const log = await withProcesses(options, async (start) => {
        const probe = start({ loadLimitMs: options.loadLimitMs ?? PROBE_LIMIT_MS, name: title });
        await probe.load({ ...setup, executionProvider, threads: 1, warmUp: [[0]], verbose: true }, refuseImitation);
        await probe.stop();
        return probe.log;
      });
      const placement = parsePlacement(log);
      if (placement !== null && placement.heavyOnDevice > placement.heavyOnCpu) {
        return { found: true, executionProvider, placement };
      }
      const onDevice = placement?.heavyOnDevice ?? 0;
      const all = onDevice + (placement?.heavyOnCpu ?? 0);
      reasons.push(`${title}: it would run ${onDevice} of the ${all} products, convolutions and recurrences only`);
    } catch (error) {
      reasons.push(`${title}: ${shorten((error as Error).message, executionProvider)}`);
    }
  }
  return { found: false, reason: `no GPU answered. ${reasons.join('. ')}` };
}

function refuseImitation(graphics: Parameters<typeof findImitation>[0]): void {
  const imitation = findImitation(graphics, process.platform);
  if (imitation === null) return;
  throw new UnavailableError(`a GPU was required, got a program that imitates one (${imitation})`);
}

/** The reason alone: what was asked stands before it, and what to do is not for a table. */
function shorten(message: string, provider: ExecutionProvider): string {
  return message
    .replace(`execution provider ${provider}: `, '')
    .replace(/; (?:run on cpu instead|run again|look for what else runs)$/, '');
}
