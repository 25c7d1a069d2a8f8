/**
 * A condition against itself: the same model in two processes, compared as two different models are. The true ratio is 1,
 * so an interval without 1 is a mistake of the method. Two ways to keep the processes apart are compared, several rounds
 * each, in turns: `stopped` (SIGSTOP while it is the other's turn) and `paused` (60 ms between turns), which was all there
 * was before.
 *
 *     npm run bench:build && node dist/bench/pairing.js [--model ID] [--rounds 5] [--trials 100] [--threads N] [--longest 5]
 *
 * Prints one JSON object.
 */
import { parseArgs } from 'node:util';
import { bench, manifestPath, readManifest, resolveModel } from 'quantlab';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'deepspeech2-lstm' },
    rounds: { type: 'string', default: '5' },
    trials: { type: 'string', default: '100' },
    threads: { type: 'string' },
    longest: { type: 'string', default: '5' },
  },
});

interface Round {
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  readonly holdsOne: boolean;
  readonly meanMs: number;
  readonly standardDeviationMs: number;
}

const model = await resolveModel(values.model);
const utterances = (await readManifest(manifestPath('holdout'))).filter(
  ({ durationS }) => durationS <= Number(values.longest),
);
const methods = ['stopped', 'paused'] as const;
const found: Record<(typeof methods)[number], Round[]> = { stopped: [], paused: [] };
for (let round = 0; round < Number(values.rounds); round++) {
  for (const turns of round % 2 === 0 ? methods : [...methods].reverse()) {
    const [base, own] = await bench([model, model], {
      utterances,
      turns,
      trials: Number(values.trials),
      seed: round,
      ...(values.threads !== undefined && { threads: Number(values.threads) }),
    });
    if (base === undefined || own?.speedUp == null) throw new Error('no comparison came back');
    const { value, low, high } = own.speedUp;
    found[turns].push({
      ratio: value,
      low,
      high,
      holdsOne: low <= 1 && high >= 1,
      meanMs: (base.latency.meanMs.value + own.latency.meanMs.value) / 2,
      standardDeviationMs: (base.latency.standardDeviationMs + own.latency.standardDeviationMs) / 2,
    });
  }
}

const mean = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0) / numbers.length;
const report = Object.fromEntries(
  methods.map((method) => {
    const rounds = found[method];
    return [
      method,
      {
        holdsOne: `${rounds.filter(({ holdsOne }) => holdsOne).length} of ${rounds.length}`,
        meanRatio: mean(rounds.map(({ ratio }) => ratio)),
        meanDistanceFromOne: mean(rounds.map(({ ratio }) => Math.abs(ratio - 1))),
        meanWidth: mean(rounds.map(({ low, high }) => high - low)),
        meanMs: mean(rounds.map(({ meanMs }) => meanMs)),
        rounds,
      },
    ];
  }),
);
process.stdout.write(`${JSON.stringify({ model: values.model, trials: Number(values.trials), ...report }, null, 2)}\n`);
