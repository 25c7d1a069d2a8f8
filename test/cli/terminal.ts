import { runCommandLine } from '../../src/cli/program.js';

/** What a command printed, and how it ended. */
export interface Ended {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command of the command line in this process. */
export async function quantlab(...args: readonly string[]): Promise<Ended> {
  return await interrupted(new AbortController().signal, ...args);
}

/** The same, with a Ctrl-C. */
export async function interrupted(signal: AbortSignal, ...args: readonly string[]): Promise<Ended> {
  let out = '';
  let err = '';
  const exitCode = await runCommandLine(args, {
    print: (text) => {
      out += text;
    },
    say: (text) => {
      err += text;
    },
    progress: () => ({ update: () => undefined, stop: () => undefined }),
    signal,
    close: () => undefined,
  });
  return { exitCode, out, err };
}
