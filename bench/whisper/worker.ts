import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';

/** What a condition says of a recording. */
export interface Answer {
  readonly ms: number;
  /** Of all threads, user and system. */
  readonly processorMs: number;
  readonly text: string;
  /** Of the process since it began, in 2²⁰ bytes. */
  readonly peakMemoryMb: number;
  /** Features, encoder, decoder in milliseconds, where the condition tells them apart. */
  readonly parts?: readonly number[];
}

/** A condition in a process that stays alive. Outside its turn it is stopped: threads that spin would take others' time. */
export class Worker {
  readonly version: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, version: string) {
    this.#child = child;
    this.#lines = lines;
    this.version = version;
    child.kill('SIGSTOP');
  }

  /** Starts a condition; ends with an error where it says nothing. */
  static async start(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Worker> {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    let messages = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      messages = (messages + text).slice(-2000);
    });
    child.on('error', (error) => {
      messages = error.message;
    });
    // A worker that died is told by its missing answer.
    child.stdin?.on('error', () => undefined);
    const reader: Interface = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    const lines = reader[Symbol.asyncIterator]();
    const { done, value } = await lines.next();
    if (done === true) throw new Error(messages.trim().split('\n').at(-1) ?? 'it ended without a word');
    return new Worker(child, lines, (JSON.parse(value) as { version: string }).version);
  }

  /** Has a recording heard. */
  async hear(samplesPath: string): Promise<Answer> {
    this.#child.kill('SIGCONT');
    this.#child.stdin?.write(`${samplesPath}\n`);
    const { done, value } = await this.#lines.next();
    if (done === true) throw new Error(`${this.#child.spawnargs.join(' ')}: an answer was required, got none`);
    this.#child.kill('SIGSTOP');
    return JSON.parse(value) as Answer;
  }

  /** Ends the process. */
  end(): void {
    this.#child.kill('SIGKILL');
  }
}
