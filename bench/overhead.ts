/**
 * What the harness costs: an experiment whose trials are about 10 ms of arithmetic, through all that a real one goes
 * through (messages between processes, the clock, observations on disk).
 *
 *     npm run bench:build && node dist/bench/overhead.js [--trials 200] [--milliseconds 10] [--rounds 3]
 *
 * `inside` is what it adds to the time of a trial: the median quotient of a trial and of the same arithmetic right behind
 * it, before which no message came, less 1; `insideProcessor` is the same of processor time, which tells more on a machine
 * that others use. `between` is the share of the wall time that lies between trials, and
 * `betweenMs` how much that is for each: it is in no trial's time, and costs only patience. Prints one JSON object.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { defaultPlan, runExperiment, type Summary } from 'quantlab';
import { bootstrapMedian, type Observation } from 'quantlab/measure';

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '200' },
    milliseconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
  },
});
const folder = await mkdtemp(join(tmpdir(), 'quantlab-overhead-'));
// Neither memory nor energy: there is no model.
const { resources: _, ...plan } = await defaultPlan({ threads: 1 });
const [first] = plan.conditions;
if (first === undefined) throw new Error('the default plan has no condition');
const conditions = [first, { ...first, id: 'again', title: 'Again' }];

async function measure(name: string, twice: boolean): Promise<{ summary: Summary; observations: Observation[] }> {
  process.env['TRIAL_MS'] = values.milliseconds;
  process.env['TWICE'] = twice ? '1' : '0';
  const out = join(folder, name);
  const summary = await runExperiment(
    { ...plan, latencyTrials: Number(values.trials), throughputTrials: 1, accuracy: false, conditions },
    { out, workerPath: fileURLToPath(new URL('./spinWorker.js', import.meta.url)) },
  );
  const lines = (await readFile(join(out, 'observations.jsonl'), 'utf8')).trim().split('\n');
  return { summary, observations: lines.map((line) => JSON.parse(line) as Observation) };
}

const quotients: number[] = [];
const processorQuotients: number[] = [];
const between: number[] = [];
const trialMs: number[] = [];
try {
  for (let round = 0; round < Number(values.rounds); round++) {
    const { observations } = await measure(`twice-${round}`, true);
    for (const { phase, totalMs, featuresMs, cpuMs = Number.NaN, decodingMs } of observations) {
      if (phase !== 'latency') continue;
      quotients.push(totalMs / featuresMs - 1);
      processorQuotients.push(cpuMs / decodingMs - 1);
    }
    for (const { outcome, latency } of (await measure(`once-${round}`, false)).summary.conditions) {
      if (outcome.status !== 'measured' || latency === null) throw new Error('a condition was not measured');
      between.push(outcome.harnessOverhead ?? Number.NaN);
      trialMs.push(latency.meanMs.value);
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
const share = bootstrapMedian(between);
const meanMs = trialMs.reduce((all, one) => all + one, 0) / trialMs.length;
const betweenMs = (share.value * meanMs) / (1 - share.value);
process.stdout.write(
  `${JSON.stringify(
    {
      trials: quotients.length,
      meanMs,
      inside: bootstrapMedian(quotients),
      insideProcessor: bootstrapMedian(processorQuotients),
      between: share,
      betweenMs,
    },
    null,
    2,
  )}\n`,
);
