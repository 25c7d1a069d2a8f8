import type { AccuracySummary } from '../measure/accuracy/accuracy.js';
import type { LossSummary } from '../measure/accuracy/referenceLoss.js';
import type { TextComparison } from '../measure/accuracy/textComparison.js';
import type { EnergySummary } from '../measure/energy/energy.js';
import type { LatencySummary } from '../measure/latency/latency.js';
import type { SpeedUp, TimedTrial } from '../measure/latency/speedUp.js';
import type { Timed } from '../measure/latency/timingVersion.js';
import type { Environment } from '../measure/machine/environment.js';
import type { MemorySummary } from '../measure/memory/memory.js';
import type { Phase, Shard } from '../measure/schedule.js';
import type { StartSpread } from '../measure/statistics/betweenStarts.js';
import type { Estimate } from '../measure/statistics/bootstrap.js';
import type { TurnMethod } from '../process/turns.js';
import type { NormaliserName } from '../speech/text/normaliser.js';
import type { LaboratoryProtocol, LaboratoryResults } from './laboratory.js';

export type { AccuracySummary, Environment, Estimate, LatencySummary, Phase, Shard, SpeedUp, TurnMethod };

/**
 * The files of a run, documented field by field. A run is a folder:
 *
 * - `run.json` — {@link RunRecord}: what was planned, on which machine, and how each condition ended;
 * - `observations.jsonl` — one {@link Observation} a line, appended as trials finish, never rewritten; `check` at the end of a
 *   line is a checksum of it and of the line before;
 * - `summary.json` — {@link Summary}: derived from the two above, and from nothing else;
 * - `SHA256SUMS` — of the three, once the run has ended: `sha256sum --check SHA256SUMS`.
 */

/** Version of these files; raised when a field changes its meaning. */
export const RESULTS_SCHEMA = 'quantlab.results/1' as const;

/** Recipe of the model as it is. */
export const NO_RECIPE = 'none';

/** Where the network runs. `gpu` means: CUDA, then WebGPU, whichever opens a session first. */
export type Device = 'cpu' | 'gpu';

/** A variant of a model on a device: what is compared. */
export interface Condition {
  /** Unique in its run, used in every observation: `cpu-float32`, `cpu-int8-dynamic`, `gpu-float32`. */
  readonly id: string;
  /** For people: `CPU float32`. */
  readonly title: string;
  /** Id or path of the model, as given. */
  readonly model: string;
  /** How the model is compressed: `none`, the name of a preset, or the path of a recipe file. */
  readonly recipe: string;
  readonly device: Device;
  /** Threads of one operator (`intra_op_num_threads`). */
  readonly threads: number;
  /** Id of the condition that it is compared with. Default: the first of the same model. */
  readonly base?: string | undefined;
}

/** What a run measures, the same for each of its conditions. */
export interface Protocol {
  /** Manifest, as given (`holdout`, `dev` and `calibration` are the package's own), and the SHA-256 of its bytes. */
  readonly manifest: string;
  readonly manifestSha256: string;
  readonly latencyTrials: number;
  readonly throughputTrials: number;
  /** Utterances in one throughput trial. */
  readonly batchSize: number;
  /**
   * Inferences before the first trial that are not counted: on a GPU, and on a CPU. Besides, each block of trials begins
   * with one that is not counted, because another condition ran before it.
   */
  readonly warmUpRuns: { readonly gpu: number; readonly cpu: number };
  /** Seed of the permutations of the utterances. */
  readonly seed: number;
  /**
   * Independent starts: how often all conditions are started anew, each start with its share of the trials. A trial's number says of
   * which start it is. Default: 1.
   */
  readonly starts?: number | undefined;
  /** Whether texts are judged. Default: true; false for models with random weights. */
  readonly accuracy?: boolean | undefined;
  /** Form in which texts are compared. Default: `plain`. */
  readonly normaliser?: NormaliserName | undefined;
  /**
   * Language model of a beam search, by which texts are judged besides the best path: `prompts` (the package's own) or an
   * ARPA file, as given, and the SHA-256 of its bytes. Default: texts are judged by the best path alone. Nothing timed changes.
   */
  readonly languageModel?: string | undefined;
  readonly languageModelSha256?: string | undefined;
  /** How memory and energy are measured, after everything else; left out, they are not. */
  readonly resources?: ResourceProtocol | undefined;
  /** What is measured besides the conditions, when they are done. */
  readonly laboratory?: LaboratoryProtocol | undefined;
}

/** How much is run for memory and energy. */
export interface ResourceProtocol {
  /** Runs of a process that holds one model and nothing else, before its memory is read. */
  readonly memoryRuns: number;
  /** Trials of each condition whose energy is counted; left out, it is not. */
  readonly energyTrials?: number | undefined;
  /** Passes in which a process for each core hears one utterance at a time, all at once; left out, there are none. Only on a processor. */
  readonly streamPasses?: number | undefined;
}

/** How much the whole machine hears with a process for each core, one utterance at a time in each. */
export interface StreamsRecord {
  readonly streams: number;
  /** Of each process. */
  readonly threads: number;
  /** Seconds of sound each second (RTFx) of each pass; every pass has processes of its own. */
  readonly audioSPerS: readonly number[];
}

/** Memory of a condition; see `measureMemory`. */
export type MemoryRecord = Omit<MemorySummary, 'model' | 'path'>;

/** Energy of a condition; see `measureEnergy`. */
export interface EnergyRecord extends Omit<EnergySummary, 'model' | 'path' | 'ratioToFirst'> {
  /** Joules for an utterance over those of the first condition that took turns with it; the first has none. */
  readonly comparison?: { readonly base: string; readonly ratio: Estimate } | undefined;
  /** Power of the machine at rest, in watts; `null` where the method does not see it. */
  readonly idleW: number | null;
}

/** What a condition ran, by SHA-256. */
export interface ConditionInputs {
  /** Of the model file that the recipe was applied to. */
  readonly modelSha256: string;
  /** Of the recipe's steps as JSON; `null` without a recipe. */
  readonly recipeSha256: string | null;
  /** Of the file that was loaded. */
  readonly variantSha256: string;
}

/** One part of a run that was put together from several. */
export interface ShardRecord {
  readonly shard: Shard;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly environment: Environment;
  /** Of its `observations.jsonl`. */
  readonly observationsSha256: string;
}

/** What a process took before its first counted trial, in milliseconds. */
export interface ColdStart {
  readonly loadMs: number;
  readonly firstRunMs: number;
}

/** How a condition ended whose trials are done, and what was measured beside them. */
export interface MeasuredOutcome {
  readonly status: 'measured';
  /** Execution provider that served: `cpu`, `cuda`, `webgpu`. */
  readonly executionProvider: string;
  /** From the call to a session that is ready, in milliseconds; mean of the starts. */
  readonly loadMs: number;
  /** First inference of the process, in milliseconds; mean of the starts. */
  readonly firstRunMs: number;
  /** The two of each start, where there were several. */
  readonly coldStarts?: readonly ColdStart[] | undefined;
  /** Size of the model file on disk. */
  readonly sizeBytes: number;
  /** Of the same file as `quantlab code` writes it; measured with the memory. */
  readonly codedBytes?: number | undefined;
  readonly modelSha256: string;
  /** Share of the timed blocks' wall time that was not inside a trial: messages, files, event loop. */
  readonly harnessOverhead?: number | undefined;
  /** On a GPU: nodes of the graph that ran on it, and beside it on the processor. */
  readonly placement?: { readonly onDevice: number; readonly onCpu: number } | undefined;
  /** `null` where it could not be read; left out where it was not asked for. */
  readonly memory?: MemoryRecord | null | undefined;
  /** Likewise. */
  readonly energy?: EnergyRecord | null | undefined;
  /** Left out where it was not asked for, and on a GPU. */
  readonly streams?: StreamsRecord | undefined;
}

/** How a condition ended. */
export type Outcome =
  | MeasuredOutcome
  | { readonly status: 'skipped'; readonly reason: string }
  | { readonly status: 'failed'; readonly reason: string };

/** `run.json`: what was planned, on which machine, and how each condition ended. */
export interface RunRecord extends Timed {
  readonly schema: typeof RESULTS_SCHEMA;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** ISO 8601, UTC; `null` while the run goes on. */
  readonly finishedAt: string | null;
  readonly protocol: Protocol;
  readonly conditions: readonly Condition[];
  readonly environment: Environment;
  /** By condition id; a condition that is not here has not ended. */
  readonly outcomes: Readonly<Record<string, Outcome>>;
  /** By condition id, known before the first trial. */
  readonly inputs: Readonly<Record<string, ConditionInputs>>;
  /** What was measured besides. */
  readonly laboratory?: LaboratoryResults | undefined;
  /** How conditions left each other alone. */
  readonly turns: TurnMethod;
  /** Which part of the trials this run is; a whole run has none. */
  readonly shard?: Shard | undefined;
  /** Of which parts this run was put together; the environment above is then that of the first, with all processors named. */
  readonly shards?: readonly ShardRecord[] | undefined;
}

/** One line of `observations.jsonl`: a trial, and to what it belongs. */
export interface Observation extends TimedTrial {
  readonly condition: string;
  readonly phase: Phase;
  /** Counts from 0 within condition and phase. */
  readonly trial: number;
  /** What was said, in the same order; with `accuracy` only. */
  readonly references?: readonly string[] | undefined;
  /** Who spoke, in the same order; with `accuracy` only, where the manifest says it. */
  readonly speakers?: readonly string[] | undefined;
}

/** How much is transcribed in a given time. */
export interface ThroughputSummary {
  readonly trials: number;
  readonly batchSize: number;
  readonly utterancesPerS: Estimate;
  /** Seconds of sound transcribed each second (RTFx). */
  readonly audioSPerS: Estimate;
  /** What was heard in the batches beside what was heard alone; only where texts were judged. */
  readonly texts?: BatchTexts | undefined;
}

/**
 * Whether what is heard depends on what else is in the batch. Each utterance comes again and again, each time in another batch drawn at
 * random: a round is one hearing of all of them.
 */
export interface BatchTexts {
  readonly heard: number;
  /** Of these, texts that are another than when the utterance was heard alone. */
  readonly changed: number;
  /** Complete rounds. */
  readonly rounds: number;
  /** Lowest and highest word error rate of a complete round, as fractions; `null` where none is complete. */
  readonly wer: { readonly lowest: number; readonly highest: number } | null;
}

/**
 * What each independent start gave, and how far they lie apart. Every condition ran the same trials in a start, so that any two are
 * compared start by start.
 */
export interface StartsSummary {
  /** Mean latency of each, in milliseconds. */
  readonly latencyMs: readonly number[];
  /** Seconds of sound each second in batches, of each. */
  readonly audioSPerS: readonly number[];
  /** The noise floor of the latency: times over what the length of the sound lets expect. */
  readonly latency: StartSpread;
  /** The same of the time in batches. */
  readonly throughput: StartSpread;
}

/** A measured condition beside the first measured one of the same model. */
export interface Comparison {
  /** Id of the condition that is the base. */
  readonly base: string;
  /** Mean latency of the base over this one's: above 1 is faster. */
  readonly latencySpeedUp: SpeedUp;
  readonly throughputSpeedUp: SpeedUp;
  /** Size of the base over this one's: above 1 is smaller. */
  readonly compression: number;
  /** This WER minus the base's, as a fraction. */
  readonly werChange: Estimate | null;
  /** Share of utterances with the same text as the base's. */
  readonly sameText: number | null;
  /** Change of the WER by beam search with the language model, where that was asked for. */
  readonly beamWerChange?: Estimate | undefined;
  /** Whether the two differ in what they hear, and by how much; only where texts were judged. */
  readonly significance?: Omit<TextComparison, 'werChange' | 'sameText'> | undefined;
}

/** What was found of one condition. */
export interface ConditionSummary {
  readonly condition: Condition;
  readonly outcome: Outcome;
  /** The four below are `null` unless the outcome is `measured`; the comparison also for the base itself, accuracy also where no text was judged. */
  readonly latency: LatencySummary | null;
  readonly throughput: ThroughputSummary | null;
  readonly accuracy: AccuracySummary | null;
  /** By beam search with the language model; only where that was asked for. */
  readonly beamAccuracy?: AccuracySummary | undefined;
  readonly comparison: Comparison | null;
  /** How unlikely the model finds what was said, and the change against the base; only of models with a loss (CTC), where texts were judged. */
  readonly loss?: LossSummary | undefined;
  /** Words that had to be replaced, removed or added in each utterance, in the order of the manifest; only where texts were judged. */
  readonly wordEdits?: readonly number[] | undefined;
  /** Only of runs with three starts or more. */
  readonly starts?: StartsSummary | undefined;
}

/** `summary.json`: what was found, condition by condition. */
export interface Summary {
  readonly schema: typeof RESULTS_SCHEMA;
  readonly run: RunRecord;
  readonly conditions: readonly ConditionSummary[];
  /** What a reader should know before believing the numbers, a sentence each. */
  readonly warnings: readonly string[];
}
