import { type Block, orderBlocks, runBlock, startsOf, WHOLE } from '../measure/schedule.js';
import { ProcessError } from '../process/processError.js';
import type { Trial } from '../process/protocol.js';
import { withProcesses } from '../process/session.js';
import { Turns } from '../process/turns.js';
import { MissingWeightsError } from '../recognise/registry/registry.js';
import { UNKNOWN_SPEAKER } from '../speech/corpora/manifest.js';
import type { Utterance } from '../speech/types.js';
import { TOPICS } from './laboratory.js';
import { measureTopic } from './laboratoryMeasures.js';
import { measuredOutcome, type OpenCondition, openCondition } from './openCondition.js';
import { outcomeOf } from './outcomeOf.js';
import { type MeasuredCondition, measureResources } from './resources.js';
import type { RunOptions } from './runOptions.js';
import type { RunState } from './runState.js';
import type { Condition, Observation, Outcome, Summary } from './schema.js';
import { quantize, type Variant } from './variants.js';

/**
 * Measures what a run has not measured yet: start by start, the conditions take turns in blocks of trials; then their memory and energy;
 * then what is measured besides.
 *
 * @param state - what is there; each trial is written as it ends
 * @param now - time of day
 */
export async function conductRun(
  state: RunState,
  utterances: readonly Utterance[],
  options: RunOptions,
  now: () => Date,
): Promise<Summary> {
  const turns = new Turns(options.turns);
  const make = variantMaker(state, options.variantFolder);
  const close: Close = async (id, outcome) => await state.close(id, outcome, turns.method);
  try {
    const variants = await variantsOf(state, make, close);
    await state.begin(variants);
    const opened = new Map<string, OpenCondition[]>();
    const { conditions, protocol, shard } = state.record;
    const ids = conditions.map(({ id }) => id);
    for (const [place, part] of startsOf(protocol.starts, shard).entries()) {
      const blocks = orderBlocks(ids, state.trials, { seed: protocol.seed + 2 + place, shard: part });
      const left = blocks.filter((block) => state.isOpen(block.condition) && !state.isDone(block));
      // What has all its trials, and was stopped before it was closed, is opened once more for its outcome.
      const known = (id: string): boolean => opened.has(id) || left.some(({ condition }) => condition === id);
      const isLast = place === (protocol.starts ?? 1) - 1;
      const wanted = state.open.filter(
        ({ id }) => left.some(({ condition }) => condition === id) || (isLast && !known(id)),
      );
      await withProcesses(options, async (start) => {
        const running = new Map<string, OpenCondition>();
        const end = async ({ condition: { id }, process }: OpenCondition): Promise<void> => {
          turns.leave(process);
          await process.stop();
          running.delete(id);
        };
        const setup = { protocol, utterances, options, start };
        for (const condition of wanted) {
          state.throwIfStopped();
          const open = await openCondition(condition, variants.get(condition.id) as Variant, setup);
          state.throwIfStopped();
          if ('status' in open) {
            await close(condition.id, open);
            continue;
          }
          running.set(condition.id, open);
          opened.set(condition.id, [...(opened.get(condition.id) ?? []), open]);
          turns.join(open.process);
          state.tell(condition.id, 'prepare', 1, 1);
        }
        for (const block of left) {
          const open = running.get(block.condition);
          if (open === undefined) continue;
          const failure = await takeBlock(state, turns, open, block, utterances);
          if (failure === null) continue;
          await end(open);
          await close(block.condition, { status: 'failed', reason: failure });
        }
        for (const open of running.values()) await end(open);
      });
    }
    for (const { id } of state.open) await close(id, measuredOutcome(opened.get(id) ?? []));
    await measureRest(state, make, utterances, options, close);
    await measureTopics(state, options);
    return await state.finish(now(), turns.method);
  } catch (error) {
    state.throwIfStopped(error);
    throw error;
  }
}

type MakeVariant = (condition: Condition) => Promise<Variant>;
type Close = (id: string, outcome: Outcome) => Promise<void>;

/**
 * The variants of all conditions that have not ended. A condition whose weights are not here is skipped, as one whose device is not here;
 * where it is every condition of the run, there would be nothing left.
 */
async function variantsOf(state: RunState, make: MakeVariant, close: Close): Promise<ReadonlyMap<string, Variant>> {
  const variants = new Map<string, Variant>();
  const skipped: { readonly id: string; readonly error: MissingWeightsError }[] = [];
  for (const condition of state.open) {
    try {
      variants.set(condition.id, await make(condition));
    } catch (error) {
      if (!(error instanceof MissingWeightsError)) throw error;
      skipped.push({ id: condition.id, error });
    }
  }
  const [first] = skipped;
  if (first !== undefined && skipped.length === state.record.conditions.length) throw first.error;
  for (const { id, error } of skipped) await close(id, { status: 'skipped', reason: error.message });
  return variants;
}

/** Makes each variant once: conditions on several devices share it. */
function variantMaker(state: RunState, folder: string | undefined): MakeVariant {
  const variants = new Map<string, Promise<Variant>>();
  return async ({ id, model, recipe }) => {
    state.throwIfStopped();
    state.tell(id, 'prepare', 0, 1);
    const key = JSON.stringify([model, recipe]);
    const made = variants.get(key) ?? quantize(model, recipe, folder);
    variants.set(key, made);
    return await made;
  };
}

/** Runs what is left of a block. Returns why the condition has failed; `null` where it has not. */
async function takeBlock(
  state: RunState,
  turns: Turns,
  open: OpenCondition,
  { condition, phase, turn, trials }: Block,
  utterances: readonly Utterance[],
): Promise<string | null> {
  const done = state.doneTrials(condition, phase);
  const pending = trials.filter((trial) => !done.has(trial));
  if (pending.length === 0) return null;
  const write = (result: Trial, trial: number): void => {
    state.throwIfStopped();
    const said = phase === 'accuracy' ? references(utterances, result.utterances) : {};
    state.observe({ condition, phase, trial, turn, ...result, ...said });
  };
  try {
    const { wallMs, trialsMs } = await runBlock(turns, open.process, state.trials, { phase, trials: pending }, write);
    if (phase !== 'accuracy') {
      open.wallMs += wallMs;
      open.trialsMs += trialsMs;
    }
  } catch (error) {
    state.throwIfStopped(error);
    if (!(error instanceof ProcessError)) throw error;
    return `${phase}: ${error.message}`;
  }
  state.blockDone(condition, phase);
  return null;
}

function references(
  utterances: readonly Utterance[],
  ids: readonly string[],
): Pick<Observation, 'references' | 'speakers'> {
  const said = ids.map((id) => utterances.find((one) => one.id === id));
  const speakers = said.map((one) => one?.speaker ?? UNKNOWN_SPEAKER);
  return {
    references: said.map((one) => one?.text ?? ''),
    ...(!speakers.includes(UNKNOWN_SPEAKER) && { speakers }),
  };
}

/** Memory hardly differs between starts: three tell by how much. */
const MEMORY_STARTS = 3;

/** Memory and energy, where the plan wants them. */
async function measureRest(
  state: RunState,
  make: MakeVariant,
  utterances: readonly Utterance[],
  { signal, workerPath }: RunOptions,
  close: Close,
): Promise<void> {
  const { protocol, conditions, shard = WHOLE } = state.record;
  // One shard measures them for all.
  if (protocol.resources === undefined || shard.index !== 1) return;
  const measured: MeasuredCondition[] = [];
  for (const condition of conditions) {
    const { id, threads, model: source } = condition;
    const outcome = outcomeOf(state.record, id);
    if (outcome?.status === 'measured') {
      measured.push({ id, threads, outcome, source, model: (await make(condition)).model });
    }
  }
  const onStep = (id: string, resource: 'memory' | 'energy' | 'streams'): void => {
    state.throwIfStopped();
    state.tell(id, resource, 0, 1);
  };
  const memoryStarts = Math.min(protocol.starts ?? 1, MEMORY_STARTS);
  const options = { protocol: protocol.resources, utterances, memoryStarts, signal, workerPath, onStep };
  for await (const { id, outcome } of measureResources(measured, options)) await close(id, outcome);
}

/** What the plan wants to know besides the conditions. */
async function measureTopics(state: RunState, { signal }: RunOptions): Promise<void> {
  const { laboratory } = state.record.protocol;
  if (laboratory === undefined || (state.record.shard ?? WHOLE).index !== 1) return;
  for (const topic of TOPICS.filter((one) => state.record.laboratory?.[one] === undefined)) {
    const onProgress = (done: number, total: number): void => state.tell(laboratory.model, topic, done, total);
    const found = await measureTopic(topic, laboratory, { signal, onProgress });
    state.throwIfStopped();
    await state.keep(found);
  }
}
