import { isDeepStrictEqual } from 'node:util';
import { InputError, QuantlabError } from '../errors.js';
import { type Block, drawTrials, PHASES, type Trials, trialsOfShard, WHOLE } from '../measure/schedule.js';
import { ownValue } from '../ownValue.js';
import type { LaboratoryResults } from './laboratory.js';
import { outcomeOf } from './outcomeOf.js';
import type { RunFolder } from './runFolder.js';
import type { RunOptions, RunProgress } from './runOptions.js';
import type { Condition, Observation, Outcome, Phase, RunRecord, Summary } from './schema.js';
import { summarize } from './summarize.js';
import type { Variant } from './variants.js';

/** What a run has found so far, in memory as in its folder. */
export class RunState {
  /** Of all conditions, those of other shards too. */
  readonly trials: Trials;
  readonly #folder: RunFolder;
  readonly #options: RunOptions;
  readonly #observations: Observation[];
  #record: RunRecord;

  /**
   * @param record - as it was begun
   * @param utterances - how many are heard
   */
  constructor(folder: RunFolder, record: RunRecord, utterances: number, options: RunOptions) {
    this.#folder = folder;
    this.#options = options;
    const trials = drawTrials(record.protocol, utterances);
    this.trials = record.protocol.accuracy === false ? { ...trials, accuracy: [] } : trials;
    this.#observations = [...folder.observations];
    // A failure is tried again, a gap is not: the machine is the same.
    const kept = Object.entries(record.outcomes).filter(([, { status }]) => status !== 'failed');
    this.#record = { ...record, finishedAt: null, outcomes: Object.fromEntries(kept) };
  }

  get record(): RunRecord {
    return this.#record;
  }

  /** Conditions that have not ended. */
  get open(): readonly Condition[] {
    return this.#record.conditions.filter(({ id }) => outcomeOf(this.#record, id) === undefined);
  }

  /**
   * Writes down what each open condition is made from. Trials of one condition must all be of one model: also those that were there
   * before.
   *
   * @throws {InputError} when a condition was begun with another file
   */
  async begin(variants: ReadonlyMap<string, Variant>): Promise<void> {
    const inputs = { ...this.#record.inputs };
    for (const [id, { inputs: own }] of variants) {
      const before = ownValue(inputs, id);
      const measured = this.#observations.some(({ condition }) => condition === id);
      if (before !== undefined && measured && !isDeepStrictEqual(before, own)) {
        throw new InputError(
          `${this.#options.out}: the model files that the run was begun with were required, got another of ${id} (${own.variantSha256.slice(0, 16)}…, was ${before.variantSha256.slice(0, 16)}…); continue with those, or start over with --restart`,
        );
      }
      inputs[id] = own;
    }
    this.#record = { ...this.#record, inputs };
    await this.#folder.writeRecord(this.#record);
  }

  /** Whether a condition has not ended. */
  isOpen(id: string): boolean {
    return outcomeOf(this.#record, id) === undefined;
  }

  /** Whether all trials of a block are there. */
  isDone({ condition, phase, trials }: Block): boolean {
    const done = this.doneTrials(condition, phase);
    return trials.every((trial) => done.has(trial));
  }

  /** Trials of a condition and phase that are there. */
  doneTrials(condition: string, phase: Phase): ReadonlySet<number> {
    const own = this.#observations.filter((one) => one.condition === condition && one.phase === phase);
    return new Set(own.map(({ trial }) => trial));
  }

  /** Writes down a trial. */
  observe(observation: Observation): void {
    this.#folder.append(observation);
    this.#observations.push(observation);
  }

  /** Makes what was written outlive the machine, and tells how far the condition is. */
  blockDone(condition: string, phase: Phase): void {
    this.#folder.sync();
    this.tell(condition, phase, this.doneTrials(condition, phase).size, this.#ownTrials(phase));
  }

  /** Writes down how a condition ended. */
  async close(id: string, outcome: Outcome, turns: RunRecord['turns']): Promise<void> {
    const outcomes = { ...this.#record.outcomes, [id]: outcome };
    this.#record = { ...this.#record, outcomes, turns: this.#turnsWith(turns) };
    await this.#folder.writeRecord(this.#record);
  }

  /** Writes down what was found besides the conditions. */
  async keep(found: LaboratoryResults): Promise<void> {
    this.#record = { ...this.#record, laboratory: { ...this.#record.laboratory, ...found } };
    await this.#folder.writeRecord(this.#record);
  }

  /** Writes down that all is done, and what follows from it. */
  async finish(finishedAt: Date, turns: RunRecord['turns']): Promise<Summary> {
    const record = { ...this.#record, finishedAt: finishedAt.toISOString(), turns: this.#turnsWith(turns) };
    const summary = summarize(record, this.#observations);
    await this.#folder.finish(record, summary);
    return summary;
  }

  /** Tells how far the run is. */
  tell(condition: string, phase: RunProgress['phase'], done: number, total: number): void {
    const perCondition = PHASES.reduce((trials, one) => trials + this.#ownTrials(one), 0);
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

  /**
   * Breaks off where that is wanted.
   *
   * @param cause - what broke meanwhile: whatever it was, the wish to stop is the reason
   * @throws {QuantlabError} that says how to continue
   */
  throwIfStopped(cause?: unknown): void {
    if (!this.#options.signal?.aborted) return;
    throw new QuantlabError(
      `${this.#options.out}: a whole run was required, got a stop after ${this.#observations.length} trials; continue it with --resume`,
      { cause },
    );
  }

  /** How many trials of a phase each condition runs here. */
  #ownTrials(phase: Phase): number {
    return trialsOfShard(this.trials[phase].length, this.#record.shard ?? WHOLE).length;
  }

  /** Of all parts of the run, also those before an interruption. */
  #turnsWith(turns: RunRecord['turns']): RunRecord['turns'] {
    return this.#record.turns === 'paused' ? 'paused' : turns;
  }
}
