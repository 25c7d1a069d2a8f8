import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a program and its children did, by the kernel's own account. */
export interface Trace {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Addresses outside this machine that were written to or asked for a connection, name servers too. */
  readonly contacted: readonly string[];
  /** Files and folders that were made, opened for writing, renamed or removed. */
  readonly written: readonly string[];
}

const CALLS = 'connect,sendto,sendmsg,sendmmsg,open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2';

/** Whether `strace` is here and may watch: some containers forbid it. */
export const CAN_TRACE: boolean =
  process.platform === 'linux' && spawnSync('strace', ['-f', '-e', 'trace=none', 'true']).status === 0;

/**
 * Runs a program under `strace`. Continuous integration turns the runtime's reports off by itself, so the program is not told of it.
 *
 * @param folder - for the protocol; the program's home and temporary folder, too
 */
export function runTraced(args: readonly string[], folder: string, env: Record<string, string> = {}): Trace {
  const protocol = join(folder, `strace-${process.hrtime.bigint()}.txt`);
  const { CI: _, ORT_DISABLE_TELEMETRY: __, GITHUB_ACTIONS: ___, ...inherited } = process.env;
  const { status, stdout, stderr } = spawnSync(
    'strace',
    ['-f', '-qq', '-yy', '-s', '4096', '-e', `trace=${CALLS}`, '-e', 'signal=none', '-o', protocol, ...args],
    { encoding: 'utf8', env: { ...inherited, HOME: folder, TMPDIR: folder, ...env }, maxBuffer: 2 ** 28 },
  );
  return { status, stdout, stderr, ...readTrace(readFileSync(protocol, 'utf8')) };
}

/** Reads the protocol of `strace -y`. */
export function readTrace(protocol: string): Pick<Trace, 'contacted' | 'written'> {
  const contacted = new Set<string>();
  const written = new Set<string>();
  for (const line of protocol.split('\n')) {
    const address = addressOf(line);
    if (address !== undefined && !/^(127\.|::1$|::ffff:127\.)/.test(address)) contacted.add(address);
    if (/ ENOENT | EEXIST |= -1 /.test(line)) continue;
    const opened = /\bopen(?:at)?\(.*O_(?:WRONLY|RDWR|CREAT).*= \d+<([^>]+)>$/.exec(line)?.[1];
    const named = /\b(?:creat|mkdir|rename\w*)\(.*"([^"]+)"/.exec(line)?.[1];
    const path = opened ?? named;
    if (path !== undefined) written.add(path);
  }
  return { contacted: [...contacted], written: [...written] };
}

/** Whom a line of the protocol speaks to. A UDP socket that is connected has sent nothing yet: browsers ask so for a route. */
function addressOf(line: string): string | undefined {
  const [, call = '', socket = ''] = /^\d+ +(connect|send\w+)\(\d+<(.*?)>,/.exec(line) ?? [];
  if (call === '' || (call === 'connect' && socket.startsWith('UDP'))) return undefined;
  const named = /inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"/.exec(line);
  const peer = /->\[?([\da-f.:]+?)\]?:\d+\]$/.exec(socket);
  return named?.[1] ?? named?.[2] ?? peer?.[1];
}
