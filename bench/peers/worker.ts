import { type ChildProcess, spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What a condition says of a recording. */
export interface Answer {
  readonly ms: number;
  /** Of all threads, user and system. */
  readonly processorMs: number;
  readonly text: string;
  /** Of the process since it began. */
  readonly peakBytes: number;
  /** Milliseconds of the parts, where the condition tells them apart. */
  readonly parts?: readonly number[];
  /** Digest of what the network gave. */
  readonly output?: string;
}

/** What a condition says when it is ready. */
interface Ready {
  readonly version: string;
  /** Of the network, where the program made it itself. */
  readonly sizeBytes?: number;
}

/** Python programs find `worker.py` and what the quantizer bench has. */
const PYTHON_FOLDERS = ['peers', 'quantizer'].map((name) =>
  fileURLToPath(new URL(`../../../bench/${name}`, import.meta.url)),
);

/** A condition in a process that stays alive. Outside its turn it is stopped: threads that spin would take others' time. */
export class Worker {
  readonly version: string;
  readonly sizeBytes: number | undefined;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, { version, sizeBytes }: Ready) {
    this.#child = child;
    this.#lines = lines;
    this.pid = child.pid ?? 0;
    this.version = version;
    this.sizeBytes = sizeBytes;
    child.kill('SIGSTOP');
  }

  /** Starts a condition; ends with an error where it says nothing. */
  static async start(program: string, args: readonly string[], threads: number): Promise<Worker> {
    const env = {
      ...process.env,
      OMP_NUM_THREADS: String(threads),
      ORT_DISABLE_TELEMETRY: '1',
      PYTHONPATH: PYTHON_FOLDERS.join(delimiter),
      PYTHONDONTWRITEBYTECODE: '1',
    };
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
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
    return new Worker(child, lines, JSON.parse(value) as Ready);
  }

  /** Has a recording heard. */
  async hear(path: string): Promise<Answer> {
    this.#child.kill('SIGCONT');
    this.#child.stdin?.write(`${path}\n`);
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
