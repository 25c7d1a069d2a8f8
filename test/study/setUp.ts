import { mkdtempSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULT_PROTOCOL, type ExperimentPlan } from '../../src/study/plan.js';
import type { Condition, Environment, Observation } from '../../src/study/schema.js';

/** Measuring process without a model. */
export const FAKE_WORKER: string = fileURLToPath(new URL('../fixtures/experiment/fakeWorker.mjs', import.meta.url));

/** A run in a process of its own. */
export const RUN_SCRIPT: string = fileURLToPath(new URL('../fixtures/experiment/run.mjs', import.meta.url));

/** A folder of its own for each test. */
export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'quantlab-'));
}

/** Two conditions on the processor. */
export const CONDITIONS: readonly Condition[] = [
  { id: 'cpu-float32', title: 'CPU float32', model: 'deepspeech2-lstm', recipe: 'none', device: 'cpu', threads: 1 },
  {
    id: 'cpu-int8-dynamic',
    title: 'CPU int8 dynamic',
    model: 'deepspeech2-lstm',
    // The measuring process is a stand-in: what it answers for two threads counts as the smaller model.
    recipe: 'none',
    device: 'cpu',
    threads: 2,
  },
];

/** A machine that is known at once. */
export async function fixedEnvironment(): Promise<Environment> {
  return {
    cpu: 'Test processor',
    physicalCores: 2,
    logicalCores: 2,
    instructionSets: ['avx2'],
    memoryBytes: 8e9,
    platform: 'test',
    node: '20.0.0',
    packages: { quantlab: '0.1.0' },
    commit: null,
    loadBefore: 0,
    load: { lastMinute: 0, cpuPressure: null, memoryPressure: null, ioPressure: null, warning: null },
    frequency: null,
    confinement: { hypervisor: null, container: null, cpuLimit: null, memoryLimitBytes: null },
  };
}

/** A plan with few trials, over the first prompts of the hold-out. */
export async function smallPlan(folder: string, utterances: number): Promise<ExperimentPlan> {
  const audio = fileURLToPath(new URL('../../data/speech/audio', import.meta.url));
  const names = ['activated', 'added', 'agent-pass', 'auth-thankyou', 'conf-adminmenu-menu8'].slice(0, utterances);
  const lines = names.map((id, index) =>
    JSON.stringify({
      id,
      audio_filepath: join(audio, `${id}.flac`),
      duration: 1 + index,
      text: id.replaceAll('-', ' '),
    }),
  );
  const manifest = join(folder, 'manifest.jsonl');
  await writeFile(manifest, `${lines.join('\n')}\n`);
  return {
    ...DEFAULT_PROTOCOL,
    manifest,
    latencyTrials: 47,
    throughputTrials: 13,
    batchSize: 3,
    // The stand-in for the measuring process has no memory worth measuring.
    resources: undefined,
    conditions: CONDITIONS,
  };
}

/** The name of a trial, unique in its run. */
export function keyOf({ condition, phase, trial }: Observation): string {
  return `${condition}/${phase}/${trial}`;
}
