import { UnavailableError } from '../../errors.js';
import { findImitation } from '../../process/graphics.js';
import { ProcessError } from '../../process/processError.js';
import { EXECUTION_PROVIDERS, explainProviderError } from '../../recognise/session/session.js';
import { listSupportedBackends } from '../../runtime.js';
import { runKernel } from './kernelProcess.js';
import { probeKernel } from './kernels.js';
import { parsePlacement } from './placement.js';

/** Whether an execution provider runs a model here. */
export interface ProviderCheck {
  /** As ONNX Runtime for Node names it. */
  readonly name: string;
  readonly title: string;
  /** Whether its library is inside the installed package. */
  readonly bundled: boolean;
  /** `works`: the product ran on it. `imitated`: on a program that imitates the device. `failed`: see the reason. */
  readonly status: 'works' | 'imitated' | 'failed';
  /** Why it failed, or what stands in for the device; `null` where it works. */
  readonly reason: string | null;
}

/** Providers that are asked for: those that ONNX Runtime for Node may have, on any system, and those that people ask about. */
const PROVIDERS: readonly (readonly [name: string, title: string])[] = [
  ['cpu', 'CPU'],
  ['cuda', 'CUDA'],
  ['tensorrt', 'TensorRT'],
  ['webgpu', 'WebGPU'],
  ['coreml', 'CoreML'],
  ['dml', 'DirectML'],
  ['openvino', 'OpenVINO'],
  ['xnnpack', 'XNNPACK'],
  ['qnn', 'Qualcomm QNN'],
];

const PROBE_LIMIT_MS = 60_000;

/** Which of them to ask, and how to stop. */
export interface ProviderOptions {
  /** Names. Default: all that are known. */
  readonly names?: readonly string[];
  readonly signal?: AbortSignal;
}

/**
 * Finds the execution providers that work, by really running a product on each, in a process of its own. One whose work falls
 * back to the processor does not work.
 */
export async function checkProviders(options: ProviderOptions = {}): Promise<readonly ProviderCheck[]> {
  const bundled = new Map(listSupportedBackends().map((backend) => [backend.name as string, backend.bundled]));
  const checks: ProviderCheck[] = [];
  for (const [name, title] of PROVIDERS) {
    if (options.names !== undefined && !options.names.includes(name)) continue;
    const outcome = await probe(name, options.signal);
    checks.push({ name, title, bundled: bundled.get(name) ?? false, ...outcome });
  }
  return checks;
}

async function probe(name: string, signal: AbortSignal | undefined): Promise<Pick<ProviderCheck, 'status' | 'reason'>> {
  try {
    const { graphics, log } = await runKernel(probeKernel(), {
      executionProvider: name,
      runs: 1,
      verbose: true,
      limitMs: PROBE_LIMIT_MS,
      signal,
    });
    if (name === 'cpu') return { status: 'works', reason: null };
    const placement = parsePlacement(log);
    if (placement === null || placement.onDevice === 0) {
      return { status: 'failed', reason: 'it opened a session, but the product ran on the processor' };
    }
    const imitation = name === 'webgpu' ? findImitation(graphics, process.platform) : null;
    return imitation === null
      ? { status: 'works', reason: null }
      : { status: 'imitated', reason: `a program imitates the device (${imitation})` };
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    // What the runtime said is explained; how a process ended speaks for itself.
    return { status: 'failed', reason: error instanceof ProcessError ? error.message : explain(name, error.message) };
  }
}

function explain(name: string, message: string): string {
  if (/backend not found/.test(message)) return 'the installed ONNX Runtime for Node does not have it on this system';
  const known = EXECUTION_PROVIDERS.find((provider) => provider === name);
  // TensorRT fails as CUDA does, and for the same reasons.
  return explainProviderError(known ?? 'cuda', message.trim());
}
