import { InputError } from '../errors.js';
import { findGpu } from '../measure/machine/gpu.js';
import { warmUpOf } from '../measure/schedule.js';
import { mean, sum } from '../measure/statistics/statistics.js';
import type { MeasuringProcess } from '../process/process.js';
import type { Loaded } from '../process/protocol.js';
import type { StartProcess } from '../process/session.js';
import { languageModelPath } from '../recognise/registry/embedded.js';
import { recordingOf } from '../speech/corpora/recordings.js';
import { normaliseTranscript } from '../speech/text/transcript.js';
import type { Utterance } from '../speech/types.js';
import type { RunOptions } from './runOptions.js';
import type { ColdStart, Condition, MeasuredOutcome, Outcome, Protocol } from './schema.js';
import type { Variant } from './variants.js';

/** A condition whose process has loaded its model. */
export interface OpenCondition {
  readonly condition: Condition;
  readonly process: MeasuringProcess;
  readonly loaded: Loaded;
  readonly variant: Variant;
  readonly executionProvider: string;
  readonly placement: MeasuredOutcome['placement'];
  /** Of the timed blocks. */
  wallMs: number;
  trialsMs: number;
}

/** What all conditions of a run have in common. */
export interface ConditionSetup {
  readonly protocol: Protocol;
  readonly utterances: readonly Utterance[];
  readonly options: Pick<RunOptions, 'signal' | 'workerPath' | 'loadLimitMs' | 'trialLimitMs'>;
  readonly start: StartProcess;
}

/** A trial on a GPU that takes longer than this is a hang; the processor may be slow. */
const GPU_TRIAL_LIMIT_MS = 60_000;

/**
 * Finds the device of a condition, loads its model in a process of its own and warms it up.
 *
 * @returns how the condition ended where this machine lacks its device, or its process broke
 * @throws {InputError} when a model or a recording is bad: it is so for every condition
 */
export async function openCondition(
  condition: Condition,
  variant: Variant,
  { protocol, utterances, options, start }: ConditionSetup,
): Promise<OpenCondition | Exclude<Outcome, MeasuredOutcome>> {
  const { device, threads, title } = condition;
  const { model } = variant;
  const { signal, workerPath, loadLimitMs, trialLimitMs } = options;
  const recordings = utterances.map(recordingOf);
  const shortest = utterances.reduce((one, other) => (other.durationS < one.durationS ? other : one));
  const gpu = device === 'gpu' ? await findGpu({ model, recordings: [shortest] }, { signal, workerPath }) : undefined;
  if (gpu?.found === false) return { status: 'skipped', reason: gpu.reason };
  const executionProvider = gpu?.executionProvider ?? 'cpu';
  const limitMs = trialLimitMs ?? (device === 'gpu' ? GPU_TRIAL_LIMIT_MS : undefined);
  const process = start({ name: title, loadLimitMs, trialLimitMs: limitMs });
  try {
    const { accuracy, languageModel, warmUpRuns } = protocol;
    const loaded = await process.load({
      model,
      executionProvider,
      threads,
      recordings,
      warmUp: warmUpOf(utterances, warmUpRuns[device]),
      ...(accuracy !== false && { references: utterances.map(({ text }) => normaliseTranscript(text)) }),
      ...(accuracy !== false &&
        languageModel !== undefined && {
          secondDecoder: { kind: 'beam', languageModelPath: languageModelPath(languageModel) },
        }),
    });
    const placement = gpu && { onDevice: gpu.placement.onDevice, onCpu: gpu.placement.onCpu };
    return { condition, process, loaded, variant, executionProvider, placement, wallMs: 0, trialsMs: 0 };
  } catch (error) {
    await process.stop();
    if (error instanceof InputError) throw error;
    return { status: 'failed', reason: (error as Error).message };
  }
}

/**
 * How a condition ended whose trials are all done.
 *
 * @param starts - at least one
 */
export function measuredOutcome(starts: readonly OpenCondition[]): MeasuredOutcome {
  const { executionProvider, variant, placement } = starts.at(-1) as OpenCondition;
  const [wallMs, trialsMs] = [sum(starts.map((one) => one.wallMs)), sum(starts.map((one) => one.trialsMs))];
  return {
    status: 'measured',
    executionProvider,
    ...coldStartOf(starts.map(({ loaded: { loadMs, firstRunMs } }) => ({ loadMs, firstRunMs }))),
    sizeBytes: variant.sizeBytes,
    modelSha256: variant.sha256,
    ...(wallMs > 0 ? { harnessOverhead: 1 - trialsMs / wallMs } : {}),
    ...(placement === undefined ? {} : { placement }),
  };
}

/** Means of the starts, and each of them where there are several. */
export function coldStartOf(
  starts: readonly ColdStart[],
): Pick<MeasuredOutcome, 'loadMs' | 'firstRunMs' | 'coldStarts'> {
  return {
    loadMs: mean(starts.map(({ loadMs }) => loadMs)),
    firstRunMs: mean(starts.map(({ firstRunMs }) => firstRunMs)),
    ...(starts.length > 1 && { coldStarts: starts }),
  };
}
