import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** A server in a process of its own. */
export interface Started {
  readonly name: string;
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** How many recordings are heard at a time, by how many threads each. */
export interface Arrangement {
  readonly workers: number;
  readonly threads: number;
}

const CLI = fileURLToPath(new URL('../../cli.js', import.meta.url));
const PEER = fileURLToPath(new URL('../../../bench/service/peer_server.py', import.meta.url));
const READY_MS = 60_000;

/**
 * Starts `quantlab serve` with one model; nothing is kept.
 *
 * @param more - further options
 */
export async function startOurs(
  name: string,
  model: string,
  port: number,
  { workers, threads }: Arrangement,
  more: readonly string[] = [],
): Promise<Started> {
  const sizes = [
    '--workers',
    String(workers),
    '--threads',
    String(threads),
    '--queue',
    '1000',
    '--connections',
    '1000',
    '--queue-limit',
    '600',
  ];
  return await started(
    name,
    port,
    spawn(process.execPath, [CLI, 'serve', model, '--port', String(port), '--quiet', ...sizes, ...more], QUIET),
  );
}

/** Starts FastAPI with faster-whisper in int8. */
export async function startPeer(python: string, folder: string, port: number, how: Arrangement): Promise<Started> {
  const args = [PEER, folder, String(port), String(how.workers), String(how.threads)];
  return await started('faster-whisper int8, FastAPI', port, spawn(python, args, QUIET));
}

const QUIET = { stdio: ['ignore', 'ignore', 'inherit'] as ['ignore', 'ignore', 'inherit'] };

async function started(name: string, port: number, child: ChildProcess): Promise<Started> {
  const url = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + READY_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${name}: a server was required, got exit code ${child.exitCode}`);
    if ((await fetch(`${url}/readyz`).catch(() => undefined))?.ok) break;
    if (performance.now() > deadline) throw new Error(`${name}: a server within ${READY_MS / 1000} s was required`);
    await sleep(200);
  }
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  };
  return { name, url, stop };
}
