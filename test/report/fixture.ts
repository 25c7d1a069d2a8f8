import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRandom } from '../../src/random.js';
import type { FinishedRun } from '../../src/study/finishedRun.js';
import { RunFolder } from '../../src/study/runFolder.js';
import type { Observation, RunRecord, Summary } from '../../src/study/schema.js';
import { summarize } from '../../src/study/summarize.js';

const FIXTURES = fileURLToPath(new URL('../fixtures/report/', import.meta.url));

/** A run with invented numbers that follow from nothing, for functions that take a summary; see test/fixtures/report/README.md. */
export function readInventedRun(): FinishedRun {
  return readRun('run');
}

/** A laboratory with invented numbers, likewise. */
export function readInventedLaboratory(): FinishedRun {
  return readRun('laboratory');
}

/**
 * Writes a run of the invented conditions as a run is written: invented observations, and the summary that follows from them.
 *
 * @param change - made to the record before anything is derived
 */
export async function writeInventedRun(
  folder: string,
  change: (run: RunRecord) => RunRecord = (run) => run,
): Promise<void> {
  await writeRun(folder, change(readRun('run').summary.run));
}

/** Writes an invented laboratory, likewise. */
export async function writeInventedLaboratory(
  folder: string,
  change: (run: RunRecord) => RunRecord = (run) => run,
): Promise<void> {
  await writeRun(folder, change(readInventedLaboratory().summary.run));
}

/** Prompts that a slow and a fast model hear. */
const UTTERANCES = 40;

async function writeRun(folder: string, run: RunRecord): Promise<void> {
  const out = await RunFolder.open(folder, { restart: true });
  try {
    await out.writeRecord({ ...run, finishedAt: null });
    const observations = run.conditions
      .filter(({ id }) => Object.hasOwn(run.outcomes, id) && run.outcomes[id]?.status === 'measured')
      .flatMap((condition) => observationsOf(condition.id, run, condition.recipe === 'none' ? 10 : 5.2));
    for (const observation of observations) out.append(observation);
    await out.finish(run, summarize(run, observations));
  } finally {
    await out.close();
  }
}

function observationsOf(condition: string, { protocol }: RunRecord, msPerS: number): readonly Observation[] {
  // The same for each condition, so that pairs are of one recording.
  const random = createRandom(20_261_121);
  const trial = (phase: Observation['phase'], number: number, count: number): Observation => {
    const audioS = count * (0.6 + 4.5 * random.next() ** 2);
    const inferenceMs = audioS * msPerS * (0.95 + 0.15 * random.next()) + 1;
    const ids = Array.from({ length: count }, (_, place) => `invented-${(number * count + place) % UTTERANCES}`);
    const parts = { featuresMs: audioS * 0.4, inferenceMs, decodingMs: audioS * 0.05 };
    const totalMs = parts.featuresMs + parts.inferenceMs + parts.decodingMs;
    return {
      condition,
      phase,
      trial: number,
      turn: number % 10,
      utterances: ids,
      audioS,
      totalMs,
      ...parts,
      texts: ids,
    };
  };
  const many = (phase: Observation['phase'], trials: number, count: number): readonly Observation[] =>
    Array.from({ length: trials }, (_, number) => trial(phase, number, count));
  const heard = many('accuracy', UTTERANCES, 1).map((one, place) => ({
    ...one,
    references: ['please say the number four'],
    texts: [place % 2 === 0 ? 'please say the number four' : 'please a the number for'],
  }));
  return [...many('latency', protocol.latencyTrials, 1), ...many('throughput', protocol.throughputTrials, 8), ...heard];
}

function readRun(name: string): FinishedRun {
  const lines = readFileSync(join(FIXTURES, name, 'observations.jsonl'), 'utf8')
    .trim()
    .split('\n');
  return {
    summary: readJson(`${name}/summary.json`) as Summary,
    summarySha256: '0'.repeat(64),
    observations: lines.filter((line) => line !== '').map((line) => JSON.parse(line)),
  };
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(FIXTURES, name), 'utf8'));
}
