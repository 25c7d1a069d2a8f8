/**
 * Whether the memory of a service grows with the requests that it has answered.
 *
 *     npm run bench:build && node dist/bench/service/memory.js [--requests 10000] [--seconds S] [--model ID] [--workers 2]
 *
 * Short recordings of the hold-out, none kept, eight under way at a time, until so many are answered or the seconds are over. After each 50
 * answers the resident memory of the service and of its processes is read (Linux), and a straight line is put through all readings but
 * the first quarter, in which code is compiled and allocators fill; and through those of the last half, which shows whether it flattens.
 * The interval of a slope draws blocks of 10 neighbouring readings, which are alike. The line is told for all of it and for the service and
 * its processes apart.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { manifestPath, readManifest } from 'quantlab';
import { bootstrap } from 'quantlab/measure';

const UNDER_WAY = 8;
const READ_EVERY = 50;
const SETTLING = 1 / 4;
const BLOCK = 10;
/** Longest recording that is sent, in seconds. */
const SHORT_S = 1.5;
const KIB = 1024;

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '3600' },
    model: { type: 'string', default: 'deepspeech2-lstm' },
    workers: { type: 'string', default: '2' },
  },
});
const requests = Number(values.requests);
const mostMs = Number(values.seconds) * 1000;

const utterances = await readManifest(manifestPath('holdout'));
const bodies: Uint8Array<ArrayBuffer>[] = [];
for (const { audioPath, durationS } of utterances) {
  if ((durationS ?? Number.POSITIVE_INFINITY) <= SHORT_S) bodies.push(new Uint8Array(await readFile(audioPath)));
}

const cli = fileURLToPath(new URL('../../cli.js', import.meta.url));
const service = spawn(
  process.execPath,
  [cli, 'serve', values.model, '--port', '0', '--workers', values.workers, '--quiet'],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
const [url] = (await once(createInterface(service.stdout), 'line')) as [string];

interface Reading {
  readonly requests: number;
  /** Of the service itself. */
  readonly service: number;
  /** Of those that it has started. */
  readonly processes: number;
}

const readings: Reading[] = [];
let sent = 0;
let answered = 0;
const started = performance.now();
await Promise.all(
  Array.from({ length: UNDER_WAY }, async () => {
    while (sent < requests && performance.now() - started < mostMs) {
      const answer = await fetch(`${url}/transcribe`, { method: 'POST', body: bodies[sent++ % bodies.length] ?? null });
      await answer.arrayBuffer();
      if (answer.status !== 200) throw new Error(`an answer of 200 was required, got ${answer.status}`);
      if (++answered % READ_EVERY === 0) readings.push({ requests: answered, ...residentBytes(service.pid ?? 0) });
    }
  }),
);
const seconds = (performance.now() - started) / 1000;
service.kill('SIGTERM');
await once(service, 'exit');

if (readings.length < 4 * BLOCK)
  throw new Error(`--requests, --seconds: at least ${4 * BLOCK * READ_EVERY} answers were required, got ${answered}`);

const PARTS = {
  all: (one: Reading): number => one.service + one.processes,
  service: (one: Reading): number => one.service,
  processes: (one: Reading): number => one.processes,
} as const;

const mebibytes = (bytes: number): string => (bytes / KIB ** 2).toFixed(0);
const kibibytes = (bytes: number): string => (bytes / KIB).toFixed(0);

process.stdout.write(`${answered} answers in ${seconds.toFixed(0)} s\n`);
for (const [part, bytesOf] of Object.entries(PARTS)) {
  const at = (share: number): string =>
    mebibytes(bytesOf(readings[Math.floor(share * (readings.length - 1))] as Reading));
  process.stdout.write(
    `${part}: ${at(0)} MiB after ${READ_EVERY}, ${at(0.25)} after a quarter, ${at(0.5)} half-way, ${at(1)} at the end\n`,
  );
  for (const [what, share] of [
    ['after the first quarter', SETTLING],
    ['in the last half', 1 / 2],
  ] as const) {
    const settled = readings.slice(Math.ceil(readings.length * share));
    const { value, low, high } = bootstrap(Math.floor(settled.length / BLOCK), (indices) =>
      slope(
        [...indices].flatMap((block) => settled.slice(block * BLOCK, (block + 1) * BLOCK)),
        bytesOf,
      ),
    );
    const [mean, least, most] = [value, low, high].map((bytes) => kibibytes(1000 * bytes));
    process.stdout.write(`  slope ${what}: ${mean} KiB for 1000 requests (95 %: ${least} … ${most})\n`);
  }
}

/** Of a process, and of those that it has started. */
function residentBytes(pid: number): Pick<Reading, 'service' | 'processes'> {
  let [service, processes] = [0, 0];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const parent = Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'latin1'))?.[1]);
      if (Number(name) !== pid && parent !== pid) continue;
      const bytes = 4096 * Number(readFileSync(`/proc/${name}/statm`, 'latin1').split(' ')[1]);
      if (parent === pid) processes += bytes;
      else service += bytes;
    } catch {
      // It has just ended.
    }
  }
  return { service, processes };
}

/** Of the least squares' line, in bytes for a request. */
function slope(points: readonly Reading[], bytesOf: (one: Reading) => number): number {
  const meanOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
  const x = meanOf(points.map(({ requests }) => requests));
  const y = meanOf(points.map(bytesOf));
  const above = points.reduce((sum, one) => sum + (one.requests - x) * (bytesOf(one) - y), 0);
  return above / points.reduce((sum, one) => sum + (one.requests - x) ** 2, 0);
}
