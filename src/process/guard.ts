import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Waits for its standard input to end. When that was said before, all is well; when not, whoever wrote there is gone.
 * Signals that a terminal sends to all of its processes are not for it.
 */
const WATCH = 'trap "" HUP INT TERM; read -r said; [ "$said" = done ] || kill -KILL "$1" 2>/dev/null';

/**
 * Kills a process when this one is gone. A process that is stopped (SIGSTOP) cannot notice that its parent died, and the
 * system wakes it only in some cases (a process group that becomes orphaned, POSIX.1-2017, `_exit`): without a guard it
 * would stay for ever. The guard is a shell that waits on a pipe, which the system closes however this process ends.
 */
export class Guard {
  readonly #shell: ChildProcess;

  private constructor(shell: ChildProcess) {
    this.#shell = shell;
  }

  /**
   * Begins to watch.
   *
   * @param pid - the process that must not outlive this one
   * @returns `null` where there is no shell to watch with
   */
  static watch(pid: number): Guard | null {
    const shell = spawn('/bin/sh', ['-c', WATCH, 'sh', String(pid)], { stdio: ['pipe', 'ignore', 'ignore'] });
    shell.on('error', () => undefined);
    shell.stdin?.on('error', () => undefined);
    return shell.pid === undefined ? null : new Guard(shell);
  }

  /** Ends the watch; to be called when the process has ended. */
  release(): void {
    this.#shell.stdin?.end('done\n');
  }
}
