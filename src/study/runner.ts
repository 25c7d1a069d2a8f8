import { isDeepStrictEqual } from 'node:util';
import { InputError, QuantlabError } from '../errors.js';
import { sha256OfFile } from '../files.js';
import { TIMING_VERSION } from '../measure/latency/timingVersion.js';
import { readEnvironment } from '../measure/machine/environment.js';
import { findGpu } from '../measure/machine/gpu.js';
import {
  type Block,
  drawTrials,
  orderBlocks,
  PHASES,
  runBlock,
  type Shard,
  type Trials,
  trialsOfShard,
  warmUpOf,
} from '../measure/schedule.js';
import { ownValue } from '../ownValue.js';
import { MeasuringProcess, ProcessError } from '../process/process.js';
import type { Loaded, Trial } from '../process/protocol.js';
import { type TurnMethod, Turns } from '../process/turns.js';
import { languageModelPath, manifestPath } from '../recognise/registry/embedded.js';
import { UNKNOWN_SPEAKER } from '../speech/corpora/manifest.js';
import { type LeftOut, readUtterances, recordingOf } from '../speech/corpora/recordings.js';
import type { Utterance } from '../speech/types.js';
import { readFinishedRun } from './finishedRun.js';
import { outcomeOf } from './outcomeOf.js';
import type { ExperimentPlan } from './plan.js';
import { measureResources, type Resourceful } from './resources.js';
import { type OpenRunOptions, RunFolder, readFinishedRecord } from './runFolder.js';
import { requireSameMachine, requireSamePlan, requireSameTiming, requireShard } from './sameRun.js';
import type {
  Condition,
  ConditionInputs,
  Environment,
  Observation,
  Outcome,
  Phase,
  Protocol,
  RunRecord,
  Summary,
} from './schema.js';
import { RESULTS_SCHEMA } from './schema.js';
import { summarize } from './summarize.js';
import { quantize, type Variant } from './variants.js';
import { warningsOf } from './warnings.js';

/** How far a run is. */
export interface RunProgress {
  /** Id of the condition. */
  readonly condition: string;
  readonly phase: 'prepare' | Phase | 'memory' | 'energy';
  /** Trials of this condition and phase that are done, of all of them; of `prepare`, `memory` and `energy` 0 or 1 of 1. */
  readonly done: number;
  readonly total: number;
  /** Trials of the whole run that are done, of all that are still possible. */
  readonly overallDone: number;
  readonly overallTotal: number;
}

/** Where a run is written, and what of the world it may use. */
export interface RunOptions extends OpenRunOptions {
  /** Folder of the run. */
  readonly out: string;
  /** Stops the run in order: what is finished stays, and the run can be resumed. */
  readonly signal?: AbortSignal;
  /** Told of each recording that cannot be read: the others are measured. */
  readonly onLeftOut?: (leftOut: LeftOut) => void;
  /** Told where the manifest states another length than the sound has: the sound counts. */
  readonly onMismatch?: (message: string) => void;
  /** Called at the beginning of each step and after each block of trials. */
  readonly onProgress?: (progress: RunProgress) => void;
  /** Program of the measuring processes. Default: the package's own. */
  readonly workerPath?: string;
  /** The part of the trials that is run here; `mergeRuns` puts the parts together. Default: all. */
  readonly shard?: Shard | undefined;
  /** Longest time for loading a model and warming it up, in milliseconds: a condition that takes longer has failed. Default: 10 minutes. */
  readonly loadLimitMs?: number;
  /** Longest time for one trial, in milliseconds, likewise. Default: 10 minutes, on a GPU one. */
  readonly trialLimitMs?: number;
  /** How conditions leave each other alone. Default: stopped, where the system can. */
  readonly turns?: TurnMethod;
  /** Called with what a reader should know, before the first trial; all of it is in the summary, too. */
  readonly onWarning?: (warning: string) => void;
  /** Folder for the variants of the models. Default: in the cache. */
  readonly variantFolder?: string;
  /** Time of day. */
  readonly now?: () => Date;
  /** The machine. */
  readonly environment?: () => Promise<Environment>;
}

/** A trial on a GPU that takes longer than this is a hang; the processor may be slow. */
const GPU_TRIAL_LIMIT_MS = 60_000;

/** All trials in one place. */
const WHOLE: Shard = { index: 1, count: 1 };

/** A condition that is being measured. */
interface Runner {
  readonly condition: Condition;
  readonly process: MeasuringProcess;
  readonly loaded: Loaded;
  readonly variant: Variant;
  readonly executionProvider: string;
  readonly placement: { readonly onDevice: number; readonly onCpu: number } | undefined;
  /** Of the timed blocks. */
  wallMs: number;
  trialsMs: number;
}

/**
 * Runs an experiment: each condition in a process of its own, the conditions taking turns in blocks of trials. Each trial is
 * written as it ends. A condition that this machine lacks is recorded as skipped, one that breaks as failed, with the reason.
 *
 * @param plan - what is measured; see {@link defaultPlan} and `readPlan`
 * @param options - where it is written
 * @returns the summary, as it is in `summary.json`
 * @throws {InputError} when a model, the manifest or a recording is bad, or the folder holds another plan, an unfinished
 *   run, or a run in progress
 * @throws {UnavailableError} when the folder cannot be written
 * @throws {QuantlabError} when the run was stopped by the signal
 */
export async function runExperiment(plan: ExperimentPlan, options: RunOptions): Promise<Summary> {
  const manifest = manifestPath(plan.manifest);
  const { onLeftOut, onMismatch, signal } = options;
  const utterances = await readUtterances(manifest, { onLeftOut, onMismatch, signal });
  const { conditions, ...measured } = plan;
  const { languageModel } = measured;
  const protocol: Protocol = {
    ...measured,
    manifestSha256: await sha256OfFile(manifest),
    ...(languageModel !== undefined && { languageModelSha256: await sha256OfFile(languageModelPath(languageModel)) }),
  };
  const wanted = { ...protocol, conditions, shard: requireShard(options.shard, protocol, utterances.length) };
  if (options.resume) {
    const finished = await readFinishedRecord(options.out);
    if (finished !== null) {
      requireSamePlan(options.out, finished, wanted);
      requireSameTiming(options.out, finished);
      return (await readFinishedRun(options.out)).summary;
    }
  }
  const folder = await RunFolder.open(options.out, options);
  try {
    const environment = await (options.environment ?? readEnvironment)();
    if (folder.record !== null) {
      requireSamePlan(options.out, folder.record, wanted);
      requireSameTiming(options.out, folder.record);
      requireSameMachine(options.out, folder.record.environment, environment);
    }
    const now = options.now ?? (() => new Date());
    const record: RunRecord = folder.record ?? {
      schema: RESULTS_SCHEMA,
      startedAt: now().toISOString(),
      finishedAt: null,
      protocol,
      conditions,
      environment,
      outcomes: {},
      inputs: {},
      turns: 'stopped',
      timingVersion: TIMING_VERSION,
      ...(wanted.shard !== undefined && { shard: wanted.shard }),
    };
    for (const warning of warningsOf(record, [])) options.onWarning?.(warning);
    return await new Run(folder, record, utterances, options, now).execute();
  } finally {
    await folder.close();
  }
}

/** One call of {@link runExperiment}. */
class Run {
  readonly #folder: RunFolder;
  readonly #utterances: readonly Utterance[];
  readonly #options: RunOptions;
  readonly #now: () => Date;
  readonly #trials: Trials;
  readonly #observations: Observation[];
  readonly #runners = new Map<string, Runner>();
  readonly #turns: Turns;
  /** By model and recipe: conditions on several devices share one. */
  readonly #variants = new Map<string, Promise<Variant>>();
  #record: RunRecord;

  constructor(
    folder: RunFolder,
    record: RunRecord,
    utterances: readonly Utterance[],
    options: RunOptions,
    now: () => Date,
  ) {
    this.#folder = folder;
    this.#utterances = utterances;
    this.#options = options;
    this.#now = now;
    const { protocol } = record;
    const trials = drawTrials(protocol, utterances.length);
    this.#trials = protocol.accuracy === false ? { ...trials, accuracy: [] } : trials;
    this.#turns = new Turns(options.turns);
    this.#observations = [...folder.observations];
    // A failure is tried again, a gap is not: the machine is the same.
    const kept = Object.entries(record.outcomes).filter(([, { status }]) => status !== 'failed');
    this.#record = { ...record, finishedAt: null, outcomes: Object.fromEntries(kept) };
  }

  async execute(): Promise<Summary> {
    try {
      const variants = new Map<string, Variant>();
      for (const condition of this.#open()) variants.set(condition.id, await this.#quantize(condition));
      this.#record = { ...this.#record, inputs: this.#requireSameInputs(variants) };
      await this.#folder.writeRecord(this.#record);
      for (const condition of this.#open()) await this.#prepare(condition, variants.get(condition.id) as Variant);
      const { conditions, protocol, shard } = this.#record;
      const ids = conditions.map(({ id }) => id);
      const blocks = orderBlocks(ids, this.#trials, { seed: protocol.seed + 2, shard });
      for (const block of blocks) await this.#runBlock(block);
      for (const runner of this.#runners.values()) await this.#close(runner.condition.id, measuredOutcome(runner));
      await this.#measureResources();
      const record = { ...this.#record, finishedAt: this.#now().toISOString(), turns: this.#turnMethod };
      const summary = summarize(record, this.#observations);
      await this.#folder.finish(record, summary);
      return summary;
    } catch (error) {
      // Whatever broke when its processes were ended, the wish to stop is the reason.
      this.#throwIfStopped(error);
      throw error;
    } finally {
      await this.#stopAll();
    }
  }

  /** Conditions that have not ended. */
  #open(): readonly Condition[] {
    return this.#record.conditions.filter(({ id }) => outcomeOf(this.#record, id) === undefined);
  }

  /** Trials of one condition must all be of one model: also those that were there before. */
  #requireSameInputs(variants: ReadonlyMap<string, Variant>): Readonly<Record<string, ConditionInputs>> {
    const inputs = { ...this.#record.inputs };
    for (const [id, { inputs: own }] of variants) {
      const before = ownValue(inputs, id);
      const measured = this.#observations.some(({ condition }) => condition === id);
      if (before !== undefined && measured && !isDeepStrictEqual(before, own)) {
        throw new InputError(
          `${this.#options.out}: the model files that the run was begun with were required, got another of ${id} (${own.variantSha256.slice(0, 16)}…, was ${before.variantSha256.slice(0, 16)}…); go on with those, or begin anew with --restart`,
        );
      }
      inputs[id] = own;
    }
    return inputs;
  }

  async #quantize({ id, model, recipe }: Condition): Promise<Variant> {
    this.#throwIfStopped();
    this.#report(id, 'prepare', 0, 1);
    const key = JSON.stringify([model, recipe]);
    const made = this.#variants.get(key) ?? quantize(model, recipe, this.#options.variantFolder);
    this.#variants.set(key, made);
    return await made;
  }

  async #prepare(condition: Condition, variant: Variant): Promise<void> {
    this.#throwIfStopped();
    const { id, device, threads } = condition;
    const { workerPath, signal } = this.#options;
    const program = { signal, workerPath };
    const recordings = this.#utterances.map(recordingOf);
    const shortest = this.#utterances.reduce((one, other) => (other.durationS < one.durationS ? other : one));
    const gpu = device === 'gpu' ? await findGpu({ model: variant.model, recordings: [shortest] }, program) : undefined;
    this.#throwIfStopped();
    if (gpu?.found === false) {
      await this.#close(id, { status: 'skipped', reason: gpu.reason });
      return;
    }
    const executionProvider = gpu?.executionProvider ?? 'cpu';
    const limits = this.#limits(device);
    const process = new MeasuringProcess({ ...program, ...limits, name: condition.title });
    try {
      const warmUp = warmUpOf(this.#utterances, this.#record.protocol.warmUpRuns[device]);
      const { accuracy, languageModel } = this.#record.protocol;
      const loaded = await process.load({
        model: variant.model,
        executionProvider,
        threads,
        recordings,
        warmUp,
        ...(accuracy !== false &&
          languageModel !== undefined && {
            secondDecoder: { kind: 'beam', languageModelPath: languageModelPath(languageModel) },
          }),
      });
      const placement = gpu && { onDevice: gpu.placement.onDevice, onCpu: gpu.placement.onCpu };
      const times = { wallMs: 0, trialsMs: 0 };
      this.#runners.set(id, { condition, process, loaded, variant, executionProvider, placement, ...times });
      this.#turns.join(process);
      this.#report(id, 'prepare', 1, 1);
    } catch (error) {
      await process.stop();
      // A bad model or recording is bad for every condition; a process that breaks is a result.
      if (error instanceof InputError) throw error;
      this.#throwIfStopped(error);
      await this.#close(id, { status: 'failed', reason: (error as Error).message });
    }
  }

  #limits(device: Condition['device']): { readonly loadLimitMs?: number; readonly trialLimitMs?: number } {
    const { loadLimitMs, trialLimitMs = device === 'gpu' ? GPU_TRIAL_LIMIT_MS : undefined } = this.#options;
    return {
      ...(loadLimitMs !== undefined && { loadLimitMs }),
      ...(trialLimitMs !== undefined && { trialLimitMs }),
    };
  }

  async #runBlock({ condition: id, phase, turn, trials: numbers }: Block): Promise<void> {
    const runner = this.#runners.get(id);
    if (runner === undefined) return;
    const done = this.#doneTrials(id, phase);
    const pending = numbers.filter((trial) => !done.has(trial));
    if (pending.length === 0) return;
    const write = (result: Trial, trial: number): void => {
      this.#throwIfStopped();
      const said = phase === 'accuracy' ? this.#references(result.utterances) : {};
      this.#write({ condition: id, phase, trial, turn, ...result, ...said });
    };
    try {
      const block = { phase, trials: pending };
      const { wallMs, trialsMs } = await runBlock(this.#turns, runner.process, this.#trials, block, write);
      if (phase !== 'accuracy') {
        runner.wallMs += wallMs;
        runner.trialsMs += trialsMs;
      }
    } catch (error) {
      this.#throwIfStopped(error);
      if (!(error instanceof ProcessError)) throw error;
      await this.#close(id, { status: 'failed', reason: `${phase}: ${error.message}` });
      return;
    }
    this.#folder.sync();
    this.#report(id, phase, this.#doneTrials(id, phase).size, this.#ownTrials(phase));
  }

  async #measureResources(): Promise<void> {
    const { protocol, conditions, shard = WHOLE } = this.#record;
    // One shard measures them for all.
    if (protocol.resources === undefined || shard.index !== 1) return;
    const measured: Resourceful[] = [];
    for (const condition of conditions) {
      const { id, threads } = condition;
      const outcome = outcomeOf(this.#record, id);
      if (outcome?.status !== 'measured') continue;
      measured.push({ id, threads, outcome, model: (await this.#quantize(condition)).model });
    }
    const { signal, workerPath } = this.#options;
    const onStep = (id: string, resource: 'memory' | 'energy'): void => {
      this.#throwIfStopped();
      this.#report(id, resource, 0, 1);
    };
    const options = { protocol: protocol.resources, utterances: this.#utterances, signal, workerPath, onStep };
    for await (const { id, outcome } of measureResources(measured, options)) await this.#close(id, outcome);
  }

  #write(observation: Observation): void {
    this.#folder.append(observation);
    this.#observations.push(observation);
  }

  #references(ids: readonly string[]): Pick<Observation, 'references' | 'speakers'> {
    const utterances = ids.map((id) => this.#utterances.find((one) => one.id === id));
    const speakers = utterances.map((one) => one?.speaker ?? UNKNOWN_SPEAKER);
    return {
      references: utterances.map((one) => one?.text ?? ''),
      ...(!speakers.includes(UNKNOWN_SPEAKER) && { speakers }),
    };
  }

  #doneTrials(condition: string, phase: Phase): ReadonlySet<number> {
    const own = this.#observations.filter((one) => one.condition === condition && one.phase === phase);
    return new Set(own.map(({ trial }) => trial));
  }

  /** How many trials of a phase each condition runs here. */
  #ownTrials(phase: Phase): number {
    return trialsOfShard(this.#trials[phase].length, this.#record.shard ?? WHOLE).length;
  }

  /** Of all parts of the run, also those before an interruption. */
  get #turnMethod(): TurnMethod {
    return this.#record.turns === 'paused' ? 'paused' : this.#turns.method;
  }

  /** Writes down how a condition ended. */
  async #close(id: string, outcome: Outcome): Promise<void> {
    const process = this.#runners.get(id)?.process;
    if (process !== undefined) {
      this.#turns.leave(process);
      await process.stop();
    }
    this.#runners.delete(id);
    const outcomes = { ...this.#record.outcomes, [id]: outcome };
    this.#record = { ...this.#record, outcomes, turns: this.#turnMethod };
    await this.#folder.writeRecord(this.#record);
  }

  #report(condition: string, phase: RunProgress['phase'], done: number, total: number): void {
    const perCondition = PHASES.reduce((trials, phase) => trials + this.#ownTrials(phase), 0);
    const possible = this.#record.conditions.filter(({ id }) => {
      const status = outcomeOf(this.#record, id)?.status;
      return status === undefined || status === 'measured';
    });
    this.#options.onProgress?.({
      condition,
      phase,
      done,
      total,
      overallDone: this.#observations.length,
      overallTotal: possible.length * perCondition,
    });
  }

  #throwIfStopped(cause?: unknown): void {
    if (!this.#options.signal?.aborted) return;
    throw new QuantlabError(
      `${this.#options.out}: a whole run was required, got a stop after ${this.#observations.length} trials; go on with --resume`,
      { cause },
    );
  }

  async #stopAll(): Promise<void> {
    await Promise.all([...this.#runners.values()].map(({ process }) => process.stop()));
  }
}

function measuredOutcome(runner: Runner): Outcome {
  const { executionProvider, loaded, variant, placement, wallMs, trialsMs } = runner;
  return {
    status: 'measured',
    executionProvider,
    loadMs: loaded.loadMs,
    firstRunMs: loaded.firstRunMs,
    sizeBytes: variant.sizeBytes,
    modelSha256: variant.sha256,
    ...(wallMs > 0 ? { harnessOverhead: 1 - trialsMs / wallMs } : {}),
    ...(placement === undefined ? {} : { placement }),
  };
}
