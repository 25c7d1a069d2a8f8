import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UnavailableError } from '../../errors.js';
import { writeModel } from '../../onnx/file/write.js';
import type { KernelReply, KernelRequest } from './kernelProtocol.js';
import type { Kernel } from './kernels.js';

/** How a kernel is run. */
export interface KernelOptions {
  /** As ONNX Runtime names it. Default: `cpu`. */
  readonly executionProvider?: string;
  /** Default: 1. */
  readonly threads?: number;
  /** Default: 10. */
  readonly runs?: number;
  readonly verbose?: boolean;
  /** Longest time for everything, in milliseconds. Default: two minutes. */
  readonly limitMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** How a kernel ran. */
export interface KernelRun {
  readonly reply: KernelReply;
  /** Standard error of the process. */
  readonly log: string;
}

const LIMIT_MS = 120_000;
const DEFAULT_RUNS = 10;

/**
 * Runs a kernel in a process of its own: a provider that crashes or hangs ends that process alone.
 *
 * @throws {UnavailableError} when the process crashed or took too long
 */
export async function runKernel(kernel: Kernel, options: KernelOptions = {}): Promise<KernelRun> {
  const { executionProvider = 'cpu', threads = 1, runs = DEFAULT_RUNS, verbose = false, limitMs = LIMIT_MS } = options;
  const folder = await mkdtemp(join(tmpdir(), 'quantlab-kernel-'));
  try {
    const path = join(folder, 'kernel.onnx');
    await writeModel(kernel.model, path);
    const request = { path, executionProvider, threads, inputs: kernel.inputs, runs, verbose };
    return await ask(request, limitMs, options.signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function ask(request: KernelRequest, limitMs: number, signal: AbortSignal | undefined): Promise<KernelRun> {
  signal?.throwIfAborted();
  const child = fork(builtWorker(), [], { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const end = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', end);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    end();
  }, limitMs);
  try {
    let reply: KernelReply | undefined;
    child.once('message', (message: KernelReply) => {
      reply = message;
    });
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, name) => resolve(name ?? `exit code ${code}`));
    });
    const silent = new Promise<void>((resolve) => child.stderr?.once('close', resolve));
    child.send(request, () => undefined);
    const how = await ended;
    await silent;
    signal?.throwIfAborted();
    if (reply !== undefined) return { reply, log };
    const came = late ? `nothing in ${limitMs / 1000} s` : how;
    throw new UnavailableError(`kernel on ${request.executionProvider}: an answer was required, got ${came}`);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
  }
}

/** The worker beside this file; where this file is a source, the one in the build. */
function builtWorker(): string {
  const places = ['./kernelWorker.js', '../../../dist/measure/machine/kernelWorker.js'];
  const paths = places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const found = paths.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new UnavailableError(`${paths[1]}: the built worker was required, got nothing; run \`npm run build\``);
}
