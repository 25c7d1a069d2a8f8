/**
 * The rate of requests whose 95th percentile stays below 500 ms: quantlab serve with a Whisper in int8, FastAPI with faster-whisper and the
 * same weights, and the shipped CTC model in int8 for reference; the same recordings, the same cores.
 *
 *     npm run bench:build && node dist/bench/service/beside.js --weights CT2_FOLDER --whisper INT8_FOLDER --ctc MODEL.onnx --python PYTHON
 *
 * INT8_FOLDER is made from CT2_FOLDER by `model import` and `quantize`; PYTHON has peer.requirements.txt. All servers run, one is asked at a
 * time, in turns of one rate each: open loop, requests at random times (Poisson), whatever was answered before. The rate that is told is where the
 * percentile crosses 500 ms, interpolated between two rates on a logarithmic scale; its interval, a bootstrap over the requests. Prints JSON.
 */
import { parseArgs } from 'node:util';
import { manifestPath, measureCapacity, runLoad } from 'quantlab/measure';
import { Asking } from './asking.js';
import { readRecordings } from './recordings.js';
import { type Started, startOurs, startPeer } from './servers.js';

const { values } = parseArgs({
  options: {
    weights: { type: 'string' },
    whisper: { type: 'string' },
    ctc: { type: 'string' },
    python: { type: 'string' },
    recordings: { type: 'string' },
    workers: { type: 'string', default: '2' },
    threads: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
  },
});
const { weights, whisper, ctc, python } = values;
if (weights === undefined || whisper === undefined || ctc === undefined || python === undefined) {
  throw new Error('--weights, --whisper, --ctc and --python are required');
}

const BOUND_MS = 500;
/** Of what a server answers when nobody waits and nobody is idle. */
const SHARES = [0.3, 0.5, 0.65, 0.8, 0.95];
const [FEWEST, MOST] = [40, 400];
const RESAMPLES = 1000;
const how = { workers: Number(values.workers), threads: Number(values.threads) };
const [seconds, seed] = [Number(values.seconds), Number(values.seed)];

interface Rate {
  readonly ratePerS: number;
  readonly failed: number;
  readonly latencies: readonly number[];
}

let state = seed;
function below(limit: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

function p95(latencies: readonly number[]): number {
  const sorted = [...latencies].sort((a, b) => a - b);
  const place = 0.95 * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)] ?? 0, sorted[Math.ceil(place)] ?? 0];
  return low + (high - low) * (place % 1);
}

/** Where the percentile crosses the bound; 0 where it never is below, the highest rate where it never is above. */
function crossing(rates: readonly Rate[], percentile: (rate: Rate) => number): number {
  let before: { readonly ratePerS: number; readonly p: number } | undefined;
  for (const rate of rates) {
    const now = { ratePerS: rate.ratePerS, p: percentile(rate) };
    if (now.p > BOUND_MS) {
      if (before === undefined) return 0;
      const share = Math.log(BOUND_MS / before.p) / Math.log(now.p / before.p);
      return before.ratePerS + (now.ratePerS - before.ratePerS) * share;
    }
    before = now;
  }
  return before?.ratePerS ?? 0;
}

function interval(rates: readonly Rate[]): readonly [number, number] {
  const found = Array.from({ length: RESAMPLES }, () =>
    crossing(rates, ({ latencies }) => p95(latencies.map(() => latencies[below(latencies.length)] ?? 0))),
  ).sort((a, b) => a - b);
  return [found[Math.floor(0.025 * RESAMPLES)] ?? 0, found[Math.floor(0.975 * RESAMPLES)] ?? 0];
}

const recordings = readRecordings(values.recordings ?? manifestPath('holdout'));
const servers: Started[] = [];
try {
  servers.push(await startOurs('quantlab serve, Whisper int8', whisper, 8191, how));
  servers.push(await startPeer(python, weights, 8192, how));
  servers.push(await startOurs('quantlab serve, DeepSpeech 2 int8', ctc, 8193, how));
  const measured: { readonly server: Started; readonly capacityPerS: number; readonly rates: Rate[] }[] = [];
  for (const server of servers) {
    const common = { concurrency: how.workers, recordings: recordings.length };
    // Once unmeasured: what is warmed up by the first requests is.
    await measureCapacity(new Asking(server, recordings), { ...common, requests: 8, seed });
    const capacityPerS = await measureCapacity(new Asking(server, recordings), {
      ...common,
      requests: 40,
      seed: seed + 1,
    });
    measured.push({ server, capacityPerS, rates: [] });
  }
  for (const [turn, share] of SHARES.entries()) {
    for (const { server, capacityPerS, rates } of measured) {
      const ratePerS = capacityPerS * share;
      const requests = Math.round(Math.min(MOST, Math.max(FEWEST, ratePerS * seconds)));
      const asking = new Asking(server, recordings);
      const { failed } = await runLoad(asking, {
        ratePerS,
        requests,
        recordings: recordings.length,
        seed: seed + turn,
      });
      rates.push({ ratePerS, failed, latencies: asking.latencies });
      process.stderr.write(`${server.name}: ${ratePerS.toFixed(2)}/s, p95 ${p95(asking.latencies).toFixed(0)} ms\n`);
    }
  }
  const report = measured.map(({ server, capacityPerS, rates }) => ({
    server: server.name,
    capacityPerS,
    below500Ms: { ratePerS: crossing(rates, ({ latencies }) => p95(latencies)), interval: interval(rates) },
    rates: rates.map(({ ratePerS, failed, latencies }) => {
      const sorted = [...latencies].sort((a, b) => a - b);
      return {
        ratePerS,
        requests: latencies.length,
        failed,
        medianMs: sorted[sorted.length >> 1],
        p95Ms: p95(latencies),
      };
    }),
  }));
  process.stdout.write(`${JSON.stringify({ ...how, recordings: recordings.length, report }, null, 1)}\n`);
} finally {
  await Promise.all(servers.map(async (server) => await server.stop()));
}
