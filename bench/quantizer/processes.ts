import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs a program to its end and reads the last line of its output as JSON; its messages go where ours go. */
export async function runJson<T>(program: string, args: readonly string[]): Promise<T> {
  const output = await new Promise<string>((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(text);
      else reject(new Error(`${program} ${args.join(' ')}: exit code 0 was required, got ${code}`));
    });
  });
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as T;
}

/** Runs a program of this folder in a Node process of its own. */
export async function runNode<T>(script: string, args: readonly string[]): Promise<T> {
  return await runJson<T>(process.execPath, [fileURLToPath(new URL(`./${script}.js`, import.meta.url)), ...args]);
}

/** Path of a Python program of this folder: they are not compiled, and stay with the sources. */
export function pythonProgram(name: string): string {
  return fileURLToPath(new URL(`../../../bench/quantizer/${name}.py`, import.meta.url));
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
}

/** A number with as many decimals as asked for, as a number: results are easier to read. */
export function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
