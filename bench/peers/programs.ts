import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Python programs and the list of their packages are not compiled, and stay with the sources. */
const source = (name: string): string => fileURLToPath(new URL(`../../../bench/peers/${name}`, import.meta.url));

/** Runs a program to its end; its last message is the error. */
export async function runQuietly(program: string, args: readonly string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    execFile(program, args, { maxBuffer: 2 ** 26 }, (error, _, messages) => {
      if (error === null) resolve();
      else reject(new Error(messages.trim().split('\n').at(-1) || error.message));
    });
  });
}

/** A Python with the locked packages of the peers, in an environment of the bench's own; made where it is not there or out of date. */
export async function peersPython(say: (text: string) => void): Promise<string> {
  const folder = source('.venv');
  const requirements = source('requirements.txt');
  const stamp = join(folder, '.quantlab-installed');
  const python = join(folder, 'bin', 'python');
  const wanted = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return python;
  say('Installing the peers into bench/peers/.venv: 5 GB, some minutes …');
  await rm(folder, { recursive: true, force: true });
  await runQuietly(process.env['PYTHON'] ?? 'python3', ['-m', 'venv', folder]);
  await runQuietly(python, [
    ...'-m pip install --quiet --disable-pip-version-check --no-input -r'.split(' '),
    requirements,
  ]);
  writeFileSync(stamp, wanted);
  return python;
}
