/**
 * The rate of requests whose 95th percentile stays below 500 ms, and below others: quantlab serve with a Whisper in int8 (its whole window,
 * and with 4 s of silence behind a recording), FastAPI with faster-whisper in int8 and the same weights, and a CTC model for reference; the
 * same recordings, the same cores.
 *
 *     npm run bench:build && node dist/bench/service/beside.js --weights CT2_FOLDER --whisper INT8_FOLDER --python PYTHON
 *       [--ctc MODEL.onnx] [--manifest FILE.jsonl] [--recordings 129] [--workers 1] [--threads 2]
 *       [--seconds 20] [--fewest 40] [--shares 0.3,0.5,0.65,0.8,0.95]
 *
 * INT8_FOLDER is made from CT2_FOLDER by `model import` and `quantize`; PYTHON has peer.requirements.txt. All servers run, one is asked at a
 * time, in turns of one rate each: open loop, requests at random times (Poisson), whatever was answered before. Rates are shares of what a
 * server answers at most; at each are as many requests as come in `--seconds`, `--fewest` or more. The rate that is told is where the
 * percentile crosses the bound, interpolated between two rates on a logarithmic scale, the lowest of which is one request after the other;
 * its interval, a bootstrap over the requests. Prints JSON.
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
    manifest: { type: 'string' },
    recordings: { type: 'string', default: '129' },
    workers: { type: 'string', default: '1' },
    threads: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '20' },
    fewest: { type: 'string', default: '40' },
    shares: { type: 'string', default: '0.3,0.5,0.65,0.8,0.95' },
    seed: { type: 'string', default: '1' },
  },
});
const { weights, whisper, ctc, python } = values;
if (weights === undefined || whisper === undefined || python === undefined) {
  throw new Error('--weights, --whisper and --python are required');
}

const BOUNDS_MS = [500, 1000, 2000];
const MARGIN_S = 4;
const MOST = 400;
const RESAMPLES = 1000;
const how = { workers: Number(values.workers), threads: Number(values.threads) };
const [seconds, fewest, seed] = [Number(values.seconds), Number(values.fewest), Number(values.seed)];
const shares = values.shares.split(',').map(Number);

/** What came of one rate; of 0, of one request after the other. */
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

/** Where the percentile crosses the bound; 0 where it is above it when nobody else asks, the highest rate where it never is above. */
function crossing(rates: readonly Rate[], boundMs: number, percentile: (rate: Rate) => number): number {
  let before: { readonly ratePerS: number; readonly p: number } | undefined;
  for (const rate of rates) {
    const now = { ratePerS: rate.ratePerS, p: percentile(rate) };
    if (now.p > boundMs) {
      if (before === undefined) return 0;
      const share = Math.log(boundMs / before.p) / Math.log(now.p / before.p);
      return before.ratePerS + (now.ratePerS - before.ratePerS) * share;
    }
    before = now;
  }
  return before?.ratePerS ?? 0;
}

function interval(rates: readonly Rate[], boundMs: number): readonly [number, number] {
  const found = Array.from({ length: RESAMPLES }, () =>
    crossing(rates, boundMs, ({ latencies }) => p95(latencies.map(() => latencies[below(latencies.length)] ?? 0))),
  ).sort((a, b) => a - b);
  return [found[Math.floor(0.025 * RESAMPLES)] ?? 0, found[Math.floor(0.975 * RESAMPLES)] ?? 0];
}

const recordings = readRecordings(values.manifest ?? manifestPath('holdout'), Number(values.recordings));
const servers: Started[] = [];
const stop = async (): Promise<unknown> => await Promise.all(servers.map(async (server) => await server.stop()));
// Whoever bounds the time must not leave servers behind.
process.once('SIGTERM', () => void stop().then(() => process.exit(143)));
try {
  const margin = ['--margin', String(MARGIN_S)];
  servers.push(await startOurs('quantlab serve, Whisper int8', whisper, 8191, how));
  servers.push(await startOurs(`quantlab serve, Whisper int8, ${MARGIN_S} s margin`, whisper, 8194, how, margin));
  servers.push(await startPeer(python, weights, 8192, how));
  if (ctc !== undefined) servers.push(await startOurs('quantlab serve, CTC model', ctc, 8193, how));
  const measured: { readonly server: Started; readonly capacityPerS: number; readonly rates: Rate[] }[] = [];
  for (const server of servers) {
    const all = { recordings: recordings.length, requests: fewest };
    // Unmeasured: what is warmed up by the first requests is.
    await measureCapacity(new Asking(server, recordings), {
      ...all,
      concurrency: how.workers,
      requests: Math.min(8, fewest),
      seed,
    });
    const alone = new Asking(server, recordings);
    const oneByOne = await measureCapacity(alone, { ...all, concurrency: 1, seed });
    const capacityPerS =
      how.workers === 1
        ? oneByOne
        : await measureCapacity(new Asking(server, recordings), { ...all, concurrency: how.workers, seed: seed + 1 });
    measured.push({ server, capacityPerS, rates: [{ ratePerS: 0, failed: 0, latencies: alone.latencies }] });
    process.stderr.write(
      `${server.name}: ${capacityPerS.toFixed(2)}/s at most, p95 ${p95(alone.latencies).toFixed(0)} ms alone\n`,
    );
  }
  for (const [turn, share] of shares.entries()) {
    for (const { server, capacityPerS, rates } of measured) {
      const ratePerS = capacityPerS * share;
      const requests = Math.round(Math.min(MOST, Math.max(fewest, ratePerS * seconds)));
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
    below: BOUNDS_MS.map((boundMs) => ({
      boundMs,
      ratePerS: crossing(rates, boundMs, ({ latencies }) => p95(latencies)),
      interval: interval(rates, boundMs),
    })),
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
  await stop();
}
