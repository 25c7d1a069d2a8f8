/**
 * Stands in for the measuring process where only the harness is timed. A trial is a fixed amount of arithmetic, about
 * TRIAL_MS (default 10) on this machine. With TWICE=1 it is done a second time right behind, outside the trial: that time,
 * which no message preceded, comes back in place of the features', and its processor time in place of the decoding's. It speaks the protocol of src/measure/process/protocol.ts.
 */
import process from 'node:process';

interface Request {
  readonly kind: string;
  readonly setup?: { readonly recordings: readonly { readonly id: string }[] };
  readonly indices?: readonly number[];
}

/** Kept, so that no compiler leaves the work out. */
let state = 1;
let rounds = 100_000;
let ids: readonly string[] = [];

function work(): { readonly wallMs: number; readonly cpuMs: number } {
  const before = process.cpuUsage();
  const started = performance.now();
  for (let round = 0; round < rounds; round++) state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
  const wallMs = performance.now() - started;
  const { user, system } = process.cpuUsage(before);
  return { wallMs, cpuMs: (user + system) / 1000 };
}

function calibrate(): void {
  const askedMs = Number(process.env['TRIAL_MS'] ?? 10);
  for (let repeat = 0; repeat < 20; repeat++) work();
  const fastest = Math.min(...Array.from({ length: 50 }, () => work().wallMs));
  rounds = Math.round((rounds * askedMs) / fastest);
  for (let repeat = 0; repeat < 5; repeat++) work();
}

process.on('disconnect', () => process.exit(0));
process.on('message', ({ kind, setup, indices = [] }: Request) => {
  if (kind === 'load') {
    ids = setup?.recordings.map(({ id }) => id) ?? [];
    calibrate();
    process.send?.({ kind: 'opened', graphics: { drivers: [], devices: [] } });
    process.send?.({ kind: 'loaded', loaded: { loadMs: 0, firstRunMs: 0 } });
    return;
  }
  const { wallMs: totalMs, cpuMs } = work();
  const again = process.env['TWICE'] === '1' ? work() : { wallMs: 0, cpuMs: 0 };
  const utterances = indices.map((index) => ids[index] ?? '');
  const texts = utterances.map(() => 'the quick brown fox jumps over the lazy dog');
  const times = { totalMs, featuresMs: again.wallMs, inferenceMs: totalMs, decodingMs: again.cpuMs, cpuMs };
  process.send?.({ kind: 'trial', trial: { utterances, audioS: 2.5, ...times, texts } });
});
