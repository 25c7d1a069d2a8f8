import { defaultThreads } from '../measure/machine/environment.js';
import { DEFAULT_PROTOCOL, type ExperimentPlan, type PlanOptions } from './plan.js';
import { type Condition, NO_RECIPE } from './schema.js';

/** Id of the Whisper that is measured where no other is named. */
export const DEFAULT_WHISPER = 'whisper-tiny.en';

const CONDITIONS: readonly Omit<Condition, 'model' | 'threads'>[] = [
  { id: 'whisper-float32', title: 'Whisper float32', recipe: NO_RECIPE, device: 'cpu' },
  { id: 'whisper-int8-dynamic', title: 'Whisper int8 dynamic', recipe: 'dynamic', device: 'cpu' },
  { id: 'whisper-int8-table4', title: 'Whisper int8, table 4 bits', recipe: 'transformer', device: 'cpu' },
  { id: 'whisper-gpu-float32', title: 'Whisper GPU float32', recipe: NO_RECIPE, device: 'gpu' },
];

/**
 * The experiment of a Whisper: float32, dynamic int8 and the recipe `transformer` on the processor, and float32 on a GPU. A trial takes some ten
 * times as long as one of DeepSpeech 2, so there are fewer of them; texts are compared by Whisper's own normaliser.
 */
export async function whisperPlan(options: PlanOptions = {}): Promise<ExperimentPlan> {
  const { model = DEFAULT_WHISPER, threads = await defaultThreads() } = options;
  return {
    ...DEFAULT_PROTOCOL,
    starts: 4,
    latencyTrials: 64,
    throughputTrials: 8,
    normaliser: 'whisper',
    resources: { memoryRuns: 5, energyTrials: 32 },
    conditions: CONDITIONS.map((condition) => ({ ...condition, model, threads })),
  };
}
