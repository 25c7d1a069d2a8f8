import { cpSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CAN_TRACE, readTrace, runTraced, type Trace } from './traced.js';

// ONNX Runtime reports by default: an identifier of the machine in the home's cache, a log in the temporary folder, and events for a
// host on the internet (microsoft/onnxruntime#27379). What a process does is asked of the kernel, not of us.
const root = join(import.meta.dirname, '..');
const cli = join(root, 'dist', 'cli.js');
const recording = join(root, 'data', 'speech', 'audio', 'agent-pass.flac');
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'quantlab-private-')));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

if (!CAN_TRACE) process.stderr.write('privacy: strace was required, got none that may watch; skipped\n');

/** Devices and the kernel's own files keep nothing. */
const NOT_A_FILE = /^\/(dev|proc|sys)\/|^(socket|pipe|anon_inode|memfd|\/memfd):|^\/dev\/shm\//;

function expectPrivate(trace: Trace): void {
  expect(trace.status, trace.stderr).toBe(0);
  expect(trace.contacted).toEqual([]);
  const elsewhere = trace.written.filter((path) => !NOT_A_FILE.test(path) && !path.startsWith(folder));
  expect(elsewhere).toEqual([]);
  expect(trace.written.filter((path) => /Microsoft|onnxruntime\.db|mat-debug|\.ses$/.test(path))).toEqual([]);
}

describe.skipIf(!CAN_TRACE)('what a process tells and leaves', () => {
  it('is seen: a session that may report writes an identifier and a log', () => {
    const trace = runTraced(['node', cli, 'transcribe', recording], folder, { ORT_DISABLE_TELEMETRY: '0' });
    expect(trace.status, trace.stderr).toBe(0);
    expect(trace.written.some((path) => path.includes('Microsoft/DeveloperTools/.onnxruntime'))).toBe(true);
    expect(trace.written.some((path) => /mat-debug-\d+\.log$/.test(path))).toBe(true);
  });

  it('is nothing for a command', () => {
    expectPrivate(runTraced(['node', cli, 'transcribe', recording], folder));
  });

  it('is nothing for processes that measure', () => {
    const model = ['deepspeech2-lstm', '--trials', '2', '--json'];
    expectPrivate(runTraced(['node', cli, 'bench', ...model], folder));
  });

  it('is nothing for a service and its workers', () => {
    expectPrivate(
      runTraced(['node', join(import.meta.dirname, 'fixtures', 'privacy', 'serve.mjs'), cli, recording], folder),
    );
  });

  it('is nothing for a program that imports the library, whichever it imports first', () => {
    const program = join(import.meta.dirname, 'fixtures', 'privacy', 'import.mjs');
    for (const first of ['quantlab', 'onnxruntime-node']) {
      expectPrivate(runTraced(['node', program, first, recording], folder));
    }
  });

  it('is nothing for the browser that draws figures', () => {
    const out = join(folder, 'drawn');
    const run = join(folder, 'run');
    cpSync(join(root, 'data', 'results', 'latest'), run, { recursive: true });
    expectPrivate(runTraced(['node', cli, 'report', run, '--figures', out, '--post', join(out, 'post')], folder));
    expect(readdirSync(out).some((name) => name.endsWith('.svg'))).toBe(true);
  });
});

describe('readTrace', () => {
  it('tells connections to elsewhere from those on this machine, and writing from reading', () => {
    // As strace 6.1 prints them.
    const protocol = [
      '7 connect(3<UDP:[1]>, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("192.0.2.7")}, 16) = 0',
      '7 sendmmsg(3<UDP:[192.0.2.1:40000->192.0.2.8:53]>, [{msg_hdr={msg_name=NULL}}], 2, MSG_NOSIGNAL) = 2',
      '7 sendto(3<UDPv6:[[2001:db8::2]:4000->[2001:db8::3]:53]>, "a", 1, 0, NULL, 0) = 1',
      '7 sendto(3<UDP:[1]>, "a", 1, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("192.0.2.9")}, 16) = 1',
      '7 connect(4<TCPv6:[2]>, {sa_family=AF_INET6, sin6_port=htons(443), inet_pton(AF_INET6, "2001:db8::1", &sin6_addr)}, 28) = -1',
      '7 connect(5<TCP:[3]>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0',
      '7 sendto(5<TCP:[127.0.0.1:5000->127.0.0.1:80]>, "a", 1, 0, NULL, 0) = 1',
      '7 openat(AT_FDCWD</home>, "a", O_RDONLY|O_CLOEXEC) = 6</home/a>',
      '7 openat(AT_FDCWD</home>, "b", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 6</home/b>',
      '7 mkdir("/home/c", 0777) = 0',
      '7 mkdir("/home/d", 0777) = -1 EEXIST (File exists)',
    ].join('\n');
    expect(readTrace(protocol)).toEqual({
      contacted: ['192.0.2.8', '2001:db8::3', '192.0.2.9', '2001:db8::1'],
      written: ['/home/b', '/home/c'],
    });
  });
});
