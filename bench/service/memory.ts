/**
 * Whether the memory of a service grows with the requests that it has answered.
 *
 *     npm run bench:build && node dist/bench/service/memory.js [--requests 10000] [--model ID] [--workers 2]
 *
 * Short recordings of the hold-out, none kept, eight under way at a time. After each 50 answers the resident memory of the service and
 * of its processes is read (Linux), and a straight line is put through all readings but the first quarter, in which code is compiled and
 * allocators fill. The interval of its slope draws blocks of 10 neighbouring readings, which are alike.
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
    model: { type: 'string', default: 'deepspeech2-lstm' },
    workers: { type: 'string', default: '2' },
  },
});
const requests = Number(values.requests);

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

const readings: { readonly requests: number; readonly bytes: number }[] = [];
let sent = 0;
let answered = 0;
const started = performance.now();
await Promise.all(
  Array.from({ length: UNDER_WAY }, async () => {
    while (sent < requests) {
      const answer = await fetch(`${url}/transcribe`, { method: 'POST', body: bodies[sent++ % bodies.length] ?? null });
      await answer.arrayBuffer();
      if (answer.status !== 200) throw new Error(`an answer of 200 was required, got ${answer.status}`);
      if (++answered % READ_EVERY === 0) readings.push({ requests: answered, bytes: residentBytes(service.pid ?? 0) });
    }
  }),
);
const seconds = (performance.now() - started) / 1000;
service.kill('SIGTERM');
await once(service, 'exit');

if (readings.length < 4 * BLOCK)
  throw new Error(`--requests: at least ${4 * BLOCK * READ_EVERY} were required, got ${requests}`);
const settled = readings.slice(Math.ceil(readings.length * SETTLING));
const blocks = Math.floor(settled.length / BLOCK);
const { value, low, high } = bootstrap(blocks, (indices) =>
  slope([...indices].flatMap((block) => settled.slice(block * BLOCK, (block + 1) * BLOCK))),
);
const perThousand = (bytes: number): string => ((bytes * 1000) / KIB).toFixed(0);
const mebibytes = ({ bytes }: { readonly bytes: number } = { bytes: Number.NaN }): string =>
  (bytes / KIB ** 2).toFixed(0);
process.stdout.write(
  `${answered} answers in ${seconds.toFixed(0)} s; resident: ${mebibytes(readings[0])} MiB after ${READ_EVERY}, ${mebibytes(settled[0])} MiB after a quarter, ${mebibytes(settled.at(-1))} MiB at the end\n` +
    `slope after the first quarter: ${perThousand(value)} KiB for 1000 requests (95 %: ${perThousand(low)} … ${perThousand(high)})\n`,
);

/** Of a process and those that it has started. */
function residentBytes(pid: number): number {
  let pages = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const parent = Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'latin1'))?.[1]);
      if (Number(name) === pid || parent === pid)
        pages += Number(readFileSync(`/proc/${name}/statm`, 'latin1').split(' ')[1]);
    } catch {
      // It has just ended.
    }
  }
  return pages * 4096;
}

/** Of the least squares' line, in bytes for a request. */
function slope(points: typeof readings): number {
  const meanOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
  const x = meanOf(points.map(({ requests }) => requests));
  const y = meanOf(points.map(({ bytes }) => bytes));
  const above = points.reduce((sum, one) => sum + (one.requests - x) * (one.bytes - y), 0);
  return above / points.reduce((sum, one) => sum + (one.requests - x) ** 2, 0);
}
