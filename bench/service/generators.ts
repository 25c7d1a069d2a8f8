/**
 * Our own load beside autocannon's, on one service, in turns: answers a second of autocannon and of ours with as many requests under way as
 * there are processes (closed loop), and of ours when requests come faster than they are answered (open loop).
 *
 *     npm run bench:build && node dist/bench/service/generators.js [--rounds 3] [--recordings 129]
 *
 * All send the same recordings, each in an order of its own. Prints JSON: answers a second of each in each round, and the median over the
 * rounds of ours over autocannon's.
 */
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import { DEFAULT_MODEL, manifestPath, measureCapacity, runLoad } from 'quantlab/measure';
import { Asking } from './asking.js';
import { readRecordings } from './recordings.js';
import { startOurs } from './servers.js';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, recordings: { type: 'string', default: '129' } },
});
const rounds = Number(values.rounds);
const how = { workers: 2, threads: 1 };
const recordings = readRecordings(manifestPath('holdout'), Number(values.recordings));
// Each twice.
const requests = 2 * recordings.length;
/** Requests come this many times as fast as they are answered. */
const BEYOND = 5;

async function theirs(url: string): Promise<number> {
  let clients = 0;
  const started = performance.now();
  const result = await autocannon({
    ...{ url, connections: how.workers, amount: requests, timeout: 60 },
    setupClient: (client) => {
      // Each begins elsewhere: the same recording at the same time would be computed once.
      const first = Math.floor((clients++ * recordings.length) / how.workers);
      const order = [...recordings.slice(first), ...recordings.slice(0, first)];
      client.setRequests(order.map((body) => ({ method: 'POST', path: '/transcribe', body })));
    },
  });
  const answered = result['2xx'];
  if (answered !== requests) throw new Error(`autocannon: ${requests} answers were required, got ${answered}`);
  // Its own duration is rounded to hundredths and ends with a tick of its clock.
  return answered / ((performance.now() - started) / 1000);
}

const server = await startOurs('quantlab serve', DEFAULT_MODEL, 8194, how);
try {
  const asked = { concurrency: how.workers, requests, recordings: recordings.length };
  const asking = new Asking(server, recordings);
  await measureCapacity(asking, { ...asked, seed: 0 });
  const measured: { readonly closed: number; readonly autocannon: number; readonly open: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const closed = await measureCapacity(asking, { ...asked, seed: round + 1 });
    const other = await theirs(server.url);
    // Each recording once: all of them are under way at the same time.
    const once = { requests: recordings.length, recordings: recordings.length, seed: round + 1 };
    const open = await runLoad(asking, { ...once, ratePerS: BEYOND * closed });
    if (open.failed > 0) throw new Error(`open loop: all answers were required, got ${open.failed} failures`);
    measured.push({ closed, autocannon: other, open: open.servedPerS });
  }
  const ratio = (of: 'closed' | 'open'): number =>
    measured.map((one) => one[of] / one.autocannon).sort((a, b) => a - b)[rounds >> 1] ?? Number.NaN;
  const ratios = { closed: ratio('closed'), open: ratio('open') };
  process.stdout.write(`${JSON.stringify({ rounds: measured, overAutocannon: ratios }, null, 1)}\n`);
} finally {
  await server.stop();
}
