import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeFileError } from '../../files.js';

/** Name of every service's folder; then the machine, the process, and letters of chance. */
const PREFIX = 'quantlab-serve';

/**
 * Where recordings lie while they are heard. One that was left behind by a service that was killed is removed by the next that starts:
 * whose process of this machine is no more is told by its name. Machines that share the folder leave each other's alone.
 */
export class RecordingsFolder {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Makes a folder for this process, and removes those of processes that are gone.
   *
   * @param parent - Default: the system's folder for temporary files
   * @throws {UnavailableError} when it cannot be made
   */
  static async open(parent: string = tmpdir()): Promise<RecordingsFolder> {
    await sweep(parent);
    const beginning = join(parent, `${PREFIX}-${machine()}-${process.pid}-`);
    try {
      return new RecordingsFolder(await mkdtemp(beginning));
    } catch (error) {
      throw describeFileError(parent, error);
    }
  }

  /** A name that no file has. */
  newPath(): string {
    return join(this.#path, randomUUID());
  }

  /** Removes a recording, whether or not it is there. */
  async remove(path: string): Promise<void> {
    await rm(path, { force: true });
  }

  /** Removes all. */
  async close(): Promise<void> {
    await rm(this.#path, { recursive: true, force: true });
  }
}

/** Without the sign that divides the name. */
function machine(): string {
  return hostname().replaceAll(/[^A-Za-z0-9.]/g, '_');
}

async function sweep(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    const [, host, pid] = /^quantlab-serve-([^-]+)-(\d+)-/.exec(name) ?? [];
    if (host !== machine() || isAlive(Number(pid))) continue;
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // One that belongs to somebody else lives.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
