import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, UnavailableError } from '../../errors.js';
import type { MeasuringProcess } from '../../process/process.js';
import type { Trial } from '../../process/protocol.js';
import { type OpenModel, type SessionControl, withModels } from '../../process/session.js';
import { Turns } from '../../process/turns.js';
import { balancedOrder, createRandom, DEFAULT_SEED } from '../../random.js';
import type { ResolvedModel } from '../../recognise/model.js';
import type { ExecutionProvider } from '../../recognise/session/session.js';
import { recordingOf } from '../../speech/corpora/recordings.js';
import type { Utterance } from '../../speech/types.js';
import { defaultThreads } from '../machine/environment.js';
import { warmUpOf } from '../schedule.js';
import { FEWEST_STARTS, ratioOverStarts } from '../statistics/betweenStarts.js';
import { bootstrapRatio, type Estimate } from '../statistics/bootstrap.js';
import { type ChosenMeter, chooseEnergyMeter, type EnergyLadderOptions } from './energyLadder.js';
import type { EnergySource, SkippedMethod } from './energyMeter.js';

/** How energy is measured. */
export interface EnergyOptions extends SessionControl {
  /** What the models hear. */
  readonly utterances: readonly Utterance[];
  /** Trials of each model, one utterance each. Default: 150. */
  readonly trials?: number;
  /** Threads of one operator. Default: one for each physical core. */
  readonly threads?: number;
  /** Default: `cpu`. */
  readonly executionProvider?: ExecutionProvider;
  /** How long the machine is measured at rest, in seconds; 0 for not at all. Default: 3. */
  readonly idleS?: number;
  readonly seed?: number;
  /** Called after each trial. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Where the ladder of methods stands, for machines that are simulated. */
  readonly ladder?: EnergyLadderOptions;
}

/** Energy of one model. */
export interface EnergySummary {
  /** Id of its card. */
  readonly model: string;
  readonly path: string;
  readonly threads: number;
  readonly trials: number;
  /** How the numbers were found. */
  readonly source: EnergySource;
  /** Joules for one utterance, from waveform to text, idle power included where the method measures it. */
  readonly joulesPerUtterance: Estimate;
  /** Joules for one second of sound. */
  readonly joulesPerAudioS: Estimate;
  /** The same as the first without the power of the machine at rest; `null` where that was not measured. */
  readonly netJoulesPerUtterance: Estimate | null;
  /** Joules for one utterance over those of the first model, turn by turn: both heard the same. */
  readonly ratioToFirst: Estimate;
  /** Mean power while it ran, in watts. */
  readonly meanW: number;
  /** Processors that it kept busy, spinning threads included. */
  readonly busyProcessors: number;
}

/** What was found of all models. */
export interface EnergyResult {
  readonly source: EnergySource;
  /** Better methods that do not work here, and why. */
  readonly skipped: readonly SkippedMethod[];
  /** Power of the machine at rest, all models loaded, in watts; `null` where the method does not see it. */
  readonly idleW: number | null;
  readonly models: readonly EnergySummary[];
}

/** Energy, time and work of trials that ran without a pause. */
interface Block {
  readonly joules: number;
  readonly wallS: number;
  readonly cpuS: number;
  readonly audioS: number;
  readonly trials: number;
}

const DEFAULT_TRIALS = 150;
const DEFAULT_IDLE_S = 3;

/** Trials of a turn, which has processes of its own: long enough that a meter which reads ten times a second sees it. */
const TURN_TRIALS = 30;

/**
 * Measures or estimates the energy that models take, each in a process of its own, taking turns; each turn starts them anew, and the
 * intervals are over these starts, from three on. The method stands beside every number.
 *
 * @param models - at least one
 * @throws {InputError} when there is no model or no utterance, or one is bad
 * @throws {UnavailableError} when a process breaks, a GPU's energy cannot be measured, or a counter stands still
 */
export async function measureEnergy(models: readonly ResolvedModel[], options: EnergyOptions): Promise<EnergyResult> {
  const { utterances, trials = DEFAULT_TRIALS, seed = DEFAULT_SEED, executionProvider = 'cpu' } = options;
  if (models.length === 0) throw new InputError('energy: at least one model was required, got none; name one');
  if (utterances.length === 0) throw new InputError('energy: at least one utterance was required, got none');
  if (!(Number.isInteger(trials) && trials >= 1)) {
    throw new InputError(`trials: a whole number from 1 was required, got ${trials}; 150 is usual`);
  }
  const threads = options.threads ?? (await defaultThreads());
  const device = executionProvider === 'cpu' ? 'cpu' : 'gpu';
  const chosen = await chooseEnergyMeter({ device, ...options.ladder });
  const turns = new Turns();
  const { signal, workerPath } = options;
  const recordings = utterances.map(recordingOf);
  const setup = { executionProvider, threads, recordings, warmUp: warmUpOf(utterances), turns, signal, workerPath };
  const order = balancedOrder(trials, utterances.length, createRandom(seed)).map((index) => [index]);
  const blocks: Block[][] = models.map(() => []);
  let idleW = null as number | null;
  let done = 0;
  try {
    for (let from = 0, turn = 0; from < trials; from += TURN_TRIALS, turn++) {
      const own = order.slice(from, from + TURN_TRIALS);
      // A B, B A, A B …: a machine that warms up steadily favours none.
      const places = [...models.keys()];
      if (turn % 2 === 1) places.reverse();
      await withModels(models, setup, async (open) => {
        if (turn === 0) idleW = await measureIdle(chosen, options.idleS ?? DEFAULT_IDLE_S);
        for (const place of places) {
          const { process } = open[place] as OpenModel;
          await turns.take(process, own[0] ?? [], [], () => undefined);
          const block = await measureBlock(chosen, process, own, () => {
            signal?.throwIfAborted();
            options.onProgress?.(++done, models.length * trials);
          });
          blocks[place]?.push(block);
        }
        for (const { process } of open) turns.leave(process);
      });
    }
    const { meter, skipped } = chosen;
    if (blocks.flat().every(({ joules }) => joules === 0)) {
      throw new UnavailableError(
        `energy: a counter that moves was required, got one that stands still (${meter.source.method}: ${meter.source.scope}), as virtual machines show it; measure on the machine itself`,
      );
    }
    const found = models.map(({ card, path }, index) => ({
      model: card.id,
      path,
      threads,
      source: meter.source,
      ...summarizeBlocks(blocks[index] ?? [], blocks[0] ?? [], idleW),
    }));
    return { source: meter.source, skipped, idleW, models: found };
  } finally {
    await chosen.meter.stop();
  }
}

/** An estimate knows nothing of a machine at rest. */
async function measureIdle({ meter }: ChosenMeter, idleS: number): Promise<number | null> {
  if (meter.source.estimated || idleS <= 0) return null;
  await meter.read({ wallS: 0, cpuS: 0 });
  const started = performance.now();
  await sleep(idleS * 1000);
  const joules = await meter.read({ wallS: idleS, cpuS: 0 });
  return (1000 * joules) / (performance.now() - started);
}

async function measureBlock(
  { meter }: ChosenMeter,
  process: MeasuringProcess,
  trials: readonly (readonly number[])[],
  onTrial: (trial: Trial) => void,
): Promise<Block> {
  await meter.read({ wallS: 0, cpuS: 0 });
  const started = performance.now();
  let cpuS = 0;
  let audioS = 0;
  for (const indices of trials) {
    const trial = await process.trial(indices);
    cpuS += (trial.cpuMs ?? 0) / 1000;
    audioS += trial.audioS;
    onTrial(trial);
  }
  const wallS = (performance.now() - started) / 1000;
  return { joules: await meter.read({ wallS, cpuS }), wallS, cpuS, audioS, trials: trials.length };
}

function summarizeBlocks(
  blocks: readonly Block[],
  first: readonly Block[],
  idleW: number | null,
): Omit<EnergySummary, 'model' | 'path' | 'threads' | 'source'> {
  const joules = blocks.map((block) => block.joules);
  const counts = blocks.map((block) => block.trials);
  const wallS = blocks.reduce((total, block) => total + block.wallS, 0);
  const ratio = joules.length < FEWEST_STARTS ? bootstrapRatio : ratioOverStarts;
  return {
    trials: counts.reduce((total, count) => total + count, 0),
    joulesPerUtterance: ratio(joules, counts),
    joulesPerAudioS: ratio(
      joules,
      blocks.map(({ audioS }) => audioS),
    ),
    netJoulesPerUtterance:
      idleW === null
        ? null
        : ratio(
            blocks.map((block) => block.joules - idleW * block.wallS),
            counts,
          ),
    ratioToFirst: ratio(
      joules,
      first.map((block) => block.joules),
    ),
    meanW: joules.reduce((total, used) => total + used, 0) / wallS,
    busyProcessors: blocks.reduce((total, block) => total + block.cpuS, 0) / wallS,
  };
}
