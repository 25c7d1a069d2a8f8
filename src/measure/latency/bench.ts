import type { Trial } from '../../process/protocol.js';
import { type ModelsSetup, type SessionControl, withModel, withModels } from '../../process/session.js';
import { type TurnMethod, Turns } from '../../process/turns.js';
import { DEFAULT_SEED } from '../../random.js';
import type { DecoderOptions, ReferenceLoss } from '../../recognise/kinds/kind.js';
import { modelSizeBytes, type ResolvedModel } from '../../recognise/model.js';
import type { ExecutionProvider } from '../../recognise/session/session.js';
import { UNKNOWN_SPEAKER } from '../../speech/corpora/manifest.js';
import { recordingOf } from '../../speech/corpora/recordings.js';
import { DEFAULT_NORMALISER, type NormaliserName } from '../../speech/text/normaliser.js';
import { normaliseTranscript } from '../../speech/text/transcript.js';
import type { Utterance } from '../../speech/types.js';
import { type AccuracySummary, type Heard, normaliseHeard, summarizeAccuracy } from '../accuracy/accuracy.js';
import { type LossSummary, summarizeLoss } from '../accuracy/referenceLoss.js';
import { compareTexts, type TextComparison } from '../accuracy/textComparison.js';
import { defaultThreads } from '../machine/environment.js';
import { warmUpOf } from '../schedule.js';
import { requireCount, requireSome, timeInTurns } from './inTurns.js';
import { type LatencySummary, summarizeLatency } from './latency.js';
import { compareTimes, type SpeedUp } from './speedUp.js';

/** How models are measured. */
export interface ModelOptions extends SessionControl {
  /** What they hear. */
  readonly utterances: readonly Utterance[];
  /** Threads of one operator. Default: one for each physical core. */
  readonly threads?: number;
  /** Default: `cpu`. */
  readonly executionProvider?: ExecutionProvider;
  /** How what the network gives becomes text. Default: the best at each step. */
  readonly decoder?: DecoderOptions | undefined;
  /** Called after each trial. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** How latency is measured. */
export interface BenchOptions extends ModelOptions {
  /** Of each model, one utterance each. Default: 300. */
  readonly trials?: number;
  /** Runs of each model before the trials, which do not count; at least 1, which tells of the first call. Default: 3. */
  readonly warmUpRuns?: number;
  /** Seed of the order of the utterances and of the models. */
  readonly seed?: number;
  /** How the processes leave each other alone. Default: stopped. */
  readonly turns?: TurnMethod;
}

/** What was found of one model. */
export interface ModelBench {
  /** Id of its card. */
  readonly model: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly threads: number;
  readonly executionProvider: ExecutionProvider;
  /** From the call to a session that is ready, in milliseconds. */
  readonly loadMs: number;
  /** First inference of the process, in milliseconds. */
  readonly firstRunMs: number;
  readonly latency: LatencySummary;
  /** Against the first model; `null` for that itself. */
  readonly speedUp: SpeedUp | null;
  /** How the processes left each other alone. */
  readonly turns: TurnMethod;
}

/** How accuracy is measured. */
export interface EvaluateOptions extends ModelOptions {
  /** Brings transcripts and what is heard to one form. Default `plain`. */
  readonly normaliser?: NormaliserName | undefined;
}

/** How well one model hears. */
export interface ModelEvaluation extends AccuracySummary {
  /** Id of its card. */
  readonly model: string;
  readonly path: string;
  /** How unlikely it finds what was said, of models with a loss (CTC); `null` of others. */
  readonly loss: LossSummary | null;
  /** What it heard, in the order of the utterances, and the transcripts, both as they are compared. */
  readonly heard: readonly Heard[];
  /** Beside the first model; `null` for that itself. */
  readonly comparison: TextComparison | null;
}

const DEFAULT_TRIALS = 300;
const WARM_UP_RUNS = 3;

/**
 * Measures the latency of models, each in a process of its own, taking turns.
 *
 * @param models - at least one
 * @throws {InputError} when there is no model or no utterance, or one is bad
 * @throws {UnavailableError} when the execution provider does not exist on this machine, or a process breaks
 */
export async function bench(models: readonly ResolvedModel[], options: BenchOptions): Promise<ModelBench[]> {
  const { trials: latencyTrials = DEFAULT_TRIALS, seed = DEFAULT_SEED, executionProvider = 'cpu' } = options;
  const { warmUpRuns = WARM_UP_RUNS, signal, onProgress } = options;
  requireSome('model', models);
  requireCount('trials', latencyTrials, DEFAULT_TRIALS);
  requireCount('warmUpRuns', warmUpRuns, WARM_UP_RUNS);
  const inputs = requireSome('utterance', options.utterances).length;
  const threads = options.threads ?? (await defaultThreads());
  const turns = new Turns(options.turns);
  const warmUp = warmUpOf(options.utterances, warmUpRuns);
  return await withModels(models, { ...setupOf(options, threads), warmUp, turns }, async (open) => {
    const plan = { trials: latencyTrials, inputs, seed, signal, onProgress };
    const found = await timeInTurns(
      open.map(({ process }) => process),
      turns,
      plan,
    );
    const [base = []] = found;
    return await Promise.all(
      open.map(async ({ model, loaded }, place) => ({
        model: model.card.id,
        path: model.path,
        sizeBytes: await modelSizeBytes(model),
        threads,
        executionProvider,
        ...loaded,
        latency: summarizeLatency(found[place] ?? []),
        speedUp: place === 0 ? null : compareTimes(base, found[place] ?? []),
        turns: turns.method,
      })),
    );
  });
}

/**
 * Measures how well models hear, each in a process of its own.
 *
 * @param models - at least one
 * @throws {InputError} when there is no model or no utterance, or one is bad
 */
export async function evaluate(models: readonly ResolvedModel[], options: EvaluateOptions): Promise<ModelEvaluation[]> {
  requireSome('model', models);
  const { normaliser = DEFAULT_NORMALISER } = options;
  const utterances = requireSome('utterance', options.utterances);
  const threads = options.threads ?? (await defaultThreads());
  const evaluations: ModelEvaluation[] = [];
  const references = utterances.map(({ text }) => normaliseTranscript(text));
  let baseLosses: readonly (ReferenceLoss | null)[] | undefined;
  for (const model of models) {
    const setup = { ...setupOf(options, threads), references };
    const trials = await withModel(model, setup, async ({ process }) => {
      const heard: Trial[] = [];
      for (const index of utterances.keys()) {
        options.signal?.throwIfAborted();
        heard.push(await process.trial([index], true));
        options.onProgress?.(evaluations.length * utterances.length + heard.length, models.length * utterances.length);
      }
      return heard;
    });
    const raw = utterances.map(({ text, speaker }, index) => ({
      reference: text,
      text: trials[index]?.texts[0] ?? '',
      speaker: speaker === UNKNOWN_SPEAKER ? undefined : speaker,
    }));
    const heard = normaliseHeard(raw, normaliser);
    const base = evaluations[0]?.heard;
    const comparison = base === undefined ? null : compareTexts(base, heard, { normaliser: 'none' });
    const summary = summarizeAccuracy(heard, 'none');
    const losses = trials.map((trial) => trial.losses?.[0] ?? null);
    const loss = summarizeLoss(losses, baseLosses);
    baseLosses ??= losses;
    evaluations.push({ model: model.card.id, path: model.path, ...summary, loss, heard, comparison });
  }
  return evaluations;
}

function setupOf(options: ModelOptions, threads: number): ModelsSetup {
  const { utterances, executionProvider = 'cpu', decoder, signal, workerPath } = options;
  return { recordings: utterances.map(recordingOf), executionProvider, threads, decoder, signal, workerPath };
}
