import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../../errors.js';
import { sha256OfFile } from '../../files.js';
import { requireCount } from '../../measure/latency/inTurns.js';
import { bootstrapMean, type Estimate } from '../../measure/statistics/bootstrap.js';
import { median } from '../../measure/statistics/statistics.js';
import { runInChunks } from '../../process/chunks.js';
import { coresToPin } from '../../process/cores.js';
import { type Pipeline, type PipelineRun, type PipelineStage, withPipelines } from '../../process/pipeline.js';
import type { SessionControl } from '../../process/session.js';
import { createRandom, DEFAULT_SEED, permutation } from '../../random.js';
import { fromTensors, type GraphSample, toTensors } from '../../recognise/session/graphArrays.js';
import { openSession } from '../../recognise/session/session.js';
import type { FeedsOf } from '../runModel.js';
import { readSplit } from './splitFolder.js';

/** How split models are measured beside the whole one. */
export interface PipelineBenchOptions extends SessionControl {
  /** What the whole model is fed with; all are held in memory. */
  readonly feedsOf: FeedsOf;
  /** Cores that may be used. Default: all. */
  readonly cores?: number | undefined;
  /** Passes of each arrangement over all samples, each with processes of its own. Default: 5. */
  readonly rounds?: number | undefined;
  /** Steps of the pieces in which recordings go through splits that carry their states, besides whole. Default: whole alone. */
  readonly chunk?: number | undefined;
  readonly seed?: number;
  /** Called after each pass. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What was found of one way to use the cores. */
export interface PipelineBench {
  /** `whole`, or the folder of the split. */
  readonly model: string;
  /** Pipelines side by side: of a whole model, its streams. */
  readonly pipelines: number;
  readonly stages: number;
  /** Of each process. */
  readonly threads: number;
  /** Steps of the pieces in which recordings went through; `null` where they went whole. */
  readonly chunk: number | null;
  /** Whether processes were held to their cores. */
  readonly pinned: boolean;
  readonly rounds: number;
  readonly samples: number;
  /** Samples a second when all are there; the interval draws passes. */
  readonly samplesPerS: Estimate;
  /** Of a sample that is alone, from its inputs to its outputs in the process that asks: the median of each pass. */
  readonly latencyMs: Estimate;
  /** Of a sample alone: what its stages take, without reading and writing; the medians of all. */
  readonly stagesMs: readonly number[];
  /** Bytes that a stage read which another wrote, for each sample, in the mean. */
  readonly handedBytes: number;
  /** Time that stages read and wrote, for each sample alone, in the mean. */
  readonly handedMs: number;
  /** What is left of a sample's time alone: messages between the processes; `null` where stages of one sample run side by side. */
  readonly messagesMs: number | null;
  /** The largest difference between an output and the whole model's. */
  readonly largestDifference: number;
}

const DEFAULT_ROUNDS = 5;

/** Runs before a pass that are not counted. */
const WARM_UP_RUNS = 2;

interface Arrangement {
  readonly model: string;
  readonly files: readonly PipelineStage[];
  readonly pipelines: number;
  readonly threads: number;
  readonly chunk: number | null;
}

interface Pass {
  readonly samplesPerS: number;
  readonly latencyMs: number;
  readonly alone: readonly PipelineRun[];
}

/**
 * Measures a model as one process with all cores, as a stream on each core (data parallelism), and split into stages (model
 * parallelism) that share the same cores: throughput when all samples are there, and latency of one alone. Arrays are handed over
 * in the same way everywhere. Passes of all arrangements come in random order, round by round.
 *
 * @param path - the whole model
 * @param folders - splits of it
 * @throws {InputError} when a folder is no split of this model, or a stage is missing
 * @throws {UnavailableError} when the process of a stage ended, which the error names
 */
export async function benchPipelines(
  path: string,
  folders: readonly string[],
  options: PipelineBenchOptions,
): Promise<readonly PipelineBench[]> {
  const { cores = availableParallelism(), seed = DEFAULT_SEED, chunk, onProgress, signal } = options;
  const rounds = requireCount('rounds', options.rounds ?? DEFAULT_ROUNDS, DEFAULT_ROUNDS);
  const { samples, inputs, outputs } = await samplesOf(path, options.feedsOf);
  const sha256 = await sha256OfFile(path);
  const whole = [{ path, inputs, outputs }];
  const arrangements: Arrangement[] = [{ model: 'whole', files: whole, pipelines: 1, threads: cores, chunk: null }];
  if (cores > 1) arrangements.push({ model: 'whole', files: whole, pipelines: cores, threads: 1, chunk: null });
  for (const folder of folders) {
    const split = await readSplit(folder);
    if (split.sourceSha256 !== sha256) {
      throw new InputError(`${folder}: a split of ${path} was required, got one of another model; split it again`);
    }
    const files = split.stages.map(({ file, ...stage }) => ({ ...stage, path: join(folder, file) }));
    const arrangement = { model: folder, files, pipelines: 1, threads: Math.max(1, Math.floor(cores / files.length)) };
    arrangements.push({ ...arrangement, chunk: null });
    if (chunk === undefined) continue;
    if (split.stages.some(({ carried }) => carried === undefined)) {
      throw new InputError(
        `${folder}: stages that carry their states were required for chunks, got some that do not; split it with --carry`,
      );
    }
    arrangements.push({ ...arrangement, chunk });
  }
  const pins = (await coresToPin())?.slice(0, cores) ?? null;
  const expected = await outputsOf(path, samples, outputs);
  const passes = arrangements.map((): Pass[] => []);
  const differences = arrangements.map(() => 0);
  const random = createRandom(seed);
  for (let round = 0, done = 0; round < rounds; round++) {
    for (const place of permutation(arrangements.length, random)) {
      signal?.throwIfAborted();
      const { files, pipelines: count, threads, chunk: steps } = arrangements[place] as Arrangement;
      const control = { count, threads, cores: pins, outputs, signal, workerPath: options.workerPath };
      const pass = await withPipelines(files, control, async (open) => await runPass(open, samples, steps));
      passes[place]?.push(pass);
      for (const [index, { outputs: got }] of pass.alone.entries()) {
        differences[place] = Math.max(differences[place] ?? 0, largestDifference(expected[index] ?? {}, got));
      }
      onProgress?.(++done, rounds * arrangements.length);
    }
  }
  return arrangements.map(({ model, files, pipelines, threads, chunk: steps }, place) => {
    const own = passes[place] ?? [];
    const alone = own.flatMap((pass) => pass.alone);
    const mean = (of: (run: PipelineRun) => number): number =>
      alone.reduce((sum, run) => sum + of(run), 0) / alone.length;
    const within = (run: PipelineRun): number => total(run, ({ readMs, runMs, writeMs }) => readMs + runMs + writeMs);
    const messagesMs = mean((run) => run.totalMs - within(run));
    return {
      model,
      pipelines,
      stages: files.length,
      threads,
      chunk: steps,
      pinned: pins !== null,
      rounds,
      samples: samples.length,
      samplesPerS: bootstrapMean(own.map((pass) => pass.samplesPerS)),
      latencyMs: bootstrapMean(own.map((pass) => pass.latencyMs)),
      stagesMs: files.map((_, stage) => median(alone.map((run) => run.stages[stage]?.runMs ?? 0))),
      handedBytes: mean((run) => run.stages.slice(1).reduce((sum, { readBytes }) => sum + readBytes, 0)),
      handedMs: mean((run) => total(run, ({ readMs, writeMs }) => readMs + writeMs)),
      messagesMs: steps === null && messagesMs >= 0 ? messagesMs : null,
      largestDifference: differences[place] ?? 0,
    };
  });
}

function total(run: PipelineRun, of: (stage: PipelineRun['stages'][number]) => number): number {
  return run.stages.reduce((sum, stage) => sum + of(stage), 0);
}

async function runPass(
  pipelines: readonly Pipeline[],
  samples: readonly GraphSample[],
  steps: number | null,
): Promise<Pass> {
  const send = async (pipeline: Pipeline, sample: GraphSample): Promise<PipelineRun> =>
    await (steps === null ? pipeline.run(sample) : runInChunks(pipeline, sample, steps));
  const longest = samples[0] as GraphSample;
  for (let run = 0; run < WARM_UP_RUNS; run++) await Promise.all(pipelines.map((pipeline) => send(pipeline, longest)));
  const alone: PipelineRun[] = [];
  for (const sample of samples) alone.push(await send(pipelines[0] as Pipeline, sample));
  const started = performance.now();
  let next = 0;
  // A feeder for each sample that a pipeline can hold: whoever is free takes the next.
  const feed = async (pipeline: Pipeline): Promise<void> => {
    for (let sample = samples[next++]; sample !== undefined; sample = samples[next++]) await send(pipeline, sample);
  };
  await Promise.all(pipelines.flatMap((pipeline) => Array.from({ length: pipeline.depth }, () => feed(pipeline))));
  const wallS = (performance.now() - started) / 1000;
  return { samplesPerS: samples.length / wallS, latencyMs: median(alone.map(({ totalMs }) => totalMs)), alone };
}

/** The samples, and the names of what the model reads and gives. */
async function samplesOf(
  path: string,
  feedsOf: FeedsOf,
): Promise<{
  readonly samples: readonly GraphSample[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}> {
  const session = await openSession(path, { threads: 1 });
  try {
    const samples: GraphSample[] = [];
    for await (const feeds of feedsOf(session)) samples.push(fromTensors(feeds));
    if (samples.length === 0)
      throw new InputError(`${path}: a sample was required, got none; name other speech or arrays`);
    // The longest first, so that streams end at about the same time.
    samples.sort((a, b) => bytesOf(b) - bytesOf(a));
    const [inputs, outputs] = [session.inputs, session.outputs].map((values) => values.map(({ name }) => name));
    return { samples, inputs: inputs ?? [], outputs: outputs ?? [] };
  } finally {
    await session.release();
  }
}

function bytesOf(sample: GraphSample): number {
  return Object.values(sample).reduce((sum, { data }) => sum + data.byteLength, 0);
}

async function outputsOf(
  path: string,
  samples: readonly GraphSample[],
  outputs: readonly string[],
): Promise<readonly GraphSample[]> {
  const session = await openSession(path, { threads: 1 });
  try {
    const found: GraphSample[] = [];
    for (const sample of samples) found.push(fromTensors(await session.run(toTensors(sample), outputs)));
    return found;
  } finally {
    await session.release();
  }
}

function largestDifference(expected: GraphSample, got: GraphSample): number {
  let largest = 0;
  for (const [name, { data }] of Object.entries(expected)) {
    const other = got[name]?.data;
    if (other === undefined || other.length !== data.length) return Number.POSITIVE_INFINITY;
    for (const [index, value] of data.entries()) {
      if (!Object.is(value, other[index])) largest = Math.max(largest, Math.abs(Number(value) - Number(other[index])));
    }
  }
  return largest;
}
