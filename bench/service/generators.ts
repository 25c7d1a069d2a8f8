/**
 * Our own load beside autocannon's, on one service: answers a second with as many requests under way as there are processes (closed loop),
 * in turns.
 *
 *     npm run bench:build && node dist/bench/service/generators.js [--rounds 3]
 *
 * Both send the same recordings, each in an order of its own. Prints JSON: answers a second of both in each round, and the median over the
 * rounds of ours over autocannon's.
 */
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import { DEFAULT_MODEL, manifestPath, measureCapacity } from 'quantlab/measure';
import { Asking } from './asking.js';
import { readRecordings } from './recordings.js';
import { startOurs } from './servers.js';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' } },
});
const rounds = Number(values.rounds);
const how = { workers: 2, threads: 1 };
const recordings = readRecordings(manifestPath('holdout'));
// Each twice.
const requests = 2 * recordings.length;

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
  await measureCapacity(new Asking(server, recordings), { ...asked, seed: 0 });
  const pairs: { readonly ours: number; readonly autocannon: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const ours = await measureCapacity(new Asking(server, recordings), { ...asked, seed: round + 1 });
    pairs.push({ ours, autocannon: await theirs(server.url) });
  }
  const ratios = pairs.map(({ ours, autocannon: other }) => ours / other).sort((a, b) => a - b);
  process.stdout.write(`${JSON.stringify({ rounds: pairs, ratio: ratios[ratios.length >> 1], ratios }, null, 1)}\n`);
} finally {
  await server.stop();
}
