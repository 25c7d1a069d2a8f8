import { basename } from 'node:path';
import { InputError } from '../../errors.js';
import { requireCount, requireSome, timeInTurns } from '../../measure/latency/inTurns.js';
import { summarizeTimes, type TimeSummary } from '../../measure/latency/latency.js';
import { compareTimes, type SpeedUp, type TimedTrial } from '../../measure/latency/speedUp.js';
import { defaultThreads } from '../../measure/machine/environment.js';
import { modelFileSize } from '../../onnx/file/modelFileSize.js';
import { readModel } from '../../onnx/file/read.js';
import type { MeasuringProcess } from '../../process/process.js';
import type { Loaded } from '../../process/protocol.js';
import { withProcesses } from '../../process/session.js';
import { type TurnMethod, Turns } from '../../process/turns.js';
import { DEFAULT_SEED } from '../../random.js';
import type { GraphValue } from '../../recognise/session/modelSession.js';
import { type ExecutionProvider, openSession } from '../../recognise/session/session.js';
import { compareOutputs, type OutputAgreement } from './agreement.js';
import { type ArrayOptions, type Samples, samplesFor } from './samples.js';

/** How models without a card are measured. */
export interface ArrayBenchOptions extends ArrayOptions {
  /** Of each model, one sample each. Default: 300. */
  readonly trials?: number;
  /** Runs of each model before the trials, which do not count; at least 1. Default: 3. */
  readonly warmUpRuns?: number;
  /** Default: `cpu`. */
  readonly executionProvider?: ExecutionProvider;
  /** How the processes leave each other alone. Default: stopped. */
  readonly turns?: TurnMethod;
  /** Stops between two trials. */
  readonly signal?: AbortSignal;
  /** Called after each trial. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What was found of one model. */
export interface ArrayBench {
  /** Name of its file, without the ending. */
  readonly model: string;
  readonly path: string;
  /** Of the file, with the weights that lie beside it. */
  readonly sizeBytes: number;
  /** The most memory that its process held, Node's own and the samples included, in bytes. */
  readonly peakBytes: number;
  readonly threads: number;
  readonly executionProvider: ExecutionProvider;
  /** From the call to a session that is ready, in milliseconds. */
  readonly loadMs: number;
  /** First inference of the process, in milliseconds. */
  readonly firstRunMs: number;
  readonly times: TimeSummary;
  /** Against the first model; `null` for that itself. */
  readonly speedUp: SpeedUp | null;
  /** Output by output, beside the first model; `null` for that itself. */
  readonly agreement: readonly OutputAgreement[] | null;
  /** What it was fed with. */
  readonly origin: string;
  /** How the processes left each other alone. */
  readonly turns: TurnMethod;
}

const DEFAULT_TRIALS = 300;
const WARM_UP_RUNS = 3;

/**
 * Measures models without cards: time, each in a process of its own, taking turns; memory, size, and how far their outputs are from the
 * first model's.
 *
 * @param paths - `.onnx` files, the one that the others are compared with first
 * @throws {InputError} when a model cannot be loaded or run, the arrays do not fit, or the models have other inputs or outputs
 * @throws {UnavailableError} when the execution provider does not exist on this machine, or a process breaks
 * @example
 * const [float, small] = await benchOnArrays(['model.onnx', 'small.onnx'], { dims: { batch: 1 } });
 */
export async function benchOnArrays(
  paths: readonly string[],
  options: ArrayBenchOptions = {},
): Promise<readonly ArrayBench[]> {
  const { executionProvider = 'cpu', seed = DEFAULT_SEED, signal, onProgress } = options;
  const trials = requireCount('trials', options.trials ?? DEFAULT_TRIALS, DEFAULT_TRIALS);
  const warmUpRuns = requireCount('warmUpRuns', options.warmUpRuns ?? WARM_UP_RUNS, WARM_UP_RUNS);
  const threads = options.threads ?? (await defaultThreads());
  const { samples, origin } = await sharedSamples(requireSome('model', paths), options);
  const turns = new Turns(options.turns);
  const names = paths.map((path) => {
    const short = basename(path, '.onnx');
    return paths.filter((other) => basename(other, '.onnx') === short).length === 1 ? short : path;
  });
  const measured = await withProcesses({ signal }, async (start) => {
    const loaded: Loaded[] = [];
    const processes: MeasuringProcess[] = [];
    for (const [index, path] of paths.entries()) {
      const process = start({ name: names[index] ?? path });
      loaded.push(await process.loadGraph({ path, executionProvider, threads, samples, warmUpRuns }));
      processes.push(process);
      turns.join(process);
    }
    const plan = { trials, inputs: samples.length, seed, signal, onProgress };
    const found = await timeInTurns(processes, turns, plan);
    const opened: Omit<ArrayBench, 'agreement'>[] = [];
    for (const [index, process] of processes.entries()) {
      const [path, own] = [paths[index] ?? '', found[index] ?? []];
      opened.push({
        model: names[index] ?? path,
        path,
        sizeBytes: await modelFileSize(await readModel(path)),
        peakBytes: (await process.memory()).peakBytes,
        threads,
        executionProvider,
        ...(loaded[index] as Loaded),
        times: summarizeTimes(
          own,
          own.map(() => 1),
          timesByTurn(own),
        ),
        speedUp: index === 0 ? null : compareTimes(found[0] ?? [], own),
        origin,
        turns: turns.method,
      });
    }
    return opened;
  });
  const agreements = await compareOutputs(paths, samples, { threads });
  return measured.map((one, index) => ({ ...one, agreement: agreements[index - 1] ?? null }));
}

/** What fits the first model, if the others have the same inputs. */
async function sharedSamples(paths: readonly string[], options: ArrayOptions): Promise<Samples> {
  let found: Samples | undefined;
  let inputs = '';
  for (const path of paths) {
    const session = await openSession(path, { threads: 1 });
    try {
      const own = session.inputs.map(described).sort().join(', ');
      found ??= await samplesFor(session, options);
      inputs ||= own;
      if (own !== inputs) {
        throw new InputError(
          `${path}: the inputs of ${paths[0]} (${inputs}) were required, got ${own}; measure a model beside its own variant`,
        );
      }
    } finally {
      await session.release();
    }
  }
  return found as Samples;
}

function described({ name, type, shape }: GraphValue): string {
  return `${name} ${type} of ${shape.length} axes`;
}

/** Fewest turns from which an interval is drawn; of fewer, each trial stands alone. */
const FEWEST_TURNS = 6;

/** Trials of one turn run one behind the other and are alike; whatever slows the machine meets whole turns. */
function timesByTurn(trials: readonly TimedTrial[]): readonly (readonly number[])[] {
  const turns = new Map<number, number[]>();
  for (const { turn = 0, totalMs } of trials) turns.set(turn, [...(turns.get(turn) ?? []), totalMs]);
  return turns.size >= FEWEST_TURNS ? [...turns.values()] : trials.map(({ totalMs }) => [totalMs]);
}
