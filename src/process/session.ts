import type { ResolvedModel } from '../recognise/model.js';
import { MeasuringProcess, type ProcessOptions } from './process.js';
import type { Loaded, Setup } from './protocol.js';
import type { Turns } from './turns.js';

/** What all processes of a session have in common. */
export interface SessionControl {
  /** Ends all processes, whatever they do. */
  readonly signal?: AbortSignal | undefined;
  /** Program of the processes. Default: the package's own. */
  readonly workerPath?: string | undefined;
}

/** Starts a process that ends with its session. */
export type StartProcess = (options: Omit<ProcessOptions, keyof SessionControl>) => MeasuringProcess;

/** How the models of a session are loaded. What is left out: on the processor, without runs that do not count. */
export interface ModelsSetup extends SessionControl, Omit<Setup, 'model' | 'executionProvider' | 'warmUp'> {
  readonly executionProvider?: Setup['executionProvider'];
  readonly warmUp?: Setup['warmUp'];
  /** Loads all at the same time, so that loading takes less time, but cannot be timed. Default: one after the other. */
  readonly atOnce?: boolean;
  /** Lets each wait for its turn once it is loaded. Default: nobody waits. */
  readonly turns?: Turns;
}

/** A model in a process of its own. */
export interface OpenModel {
  readonly model: ResolvedModel;
  readonly process: MeasuringProcess;
  readonly loaded: Loaded;
}

/**
 * Gives work processes of its own, and ends them whatever happens. Where the signal is the reason that something broke, it is the
 * error that is thrown.
 *
 * @param control - what the processes have in common
 * @param use - the work
 */
export async function withProcesses<T>(
  { signal, workerPath }: SessionControl,
  use: (start: StartProcess) => Promise<T>,
): Promise<T> {
  const started: MeasuringProcess[] = [];
  try {
    return await use((options) => {
      // A process only hears of an interruption that comes after its start.
      signal?.throwIfAborted();
      const process = new MeasuringProcess({ ...options, signal, workerPath });
      started.push(process);
      return process;
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    await Promise.all(started.map((process) => process.stop()));
  }
}

/**
 * A measuring session: loads each model in a process of its own, and ends the processes whatever happens.
 *
 * @param models - one that is wanted in several processes stands there several times
 * @param setup - how they are loaded
 * @param use - what is done with them, in their order
 * @throws {InputError} when a model or a recording is bad
 * @throws {UnavailableError} when the execution provider does not exist, or a process breaks
 */
export async function withModels<T>(
  models: readonly ResolvedModel[],
  setup: ModelsSetup,
  use: (open: readonly OpenModel[]) => Promise<T>,
): Promise<T> {
  const { signal, workerPath, atOnce = false, turns, ...common } = setup;
  return await withProcesses({ signal, workerPath }, async (start) => {
    const load = async (model: ResolvedModel): Promise<OpenModel> => {
      const process = start({ name: model.card.id });
      const loaded = await process.load({ executionProvider: 'cpu', warmUp: [], ...common, model });
      turns?.join(process);
      return { model, process, loaded };
    };
    if (atOnce) return await use(await Promise.all(models.map(load)));
    const open: OpenModel[] = [];
    for (const model of models) open.push(await load(model));
    return await use(open);
  });
}

/** {@link withModels} for one model. */
export async function withModel<T>(
  model: ResolvedModel,
  setup: ModelsSetup,
  use: (open: OpenModel) => Promise<T>,
): Promise<T> {
  return await withModels([model], setup, async ([open]) => await use(open as OpenModel));
}
