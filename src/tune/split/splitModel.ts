import { InputError } from '../../errors.js';
import { sha256OfFile } from '../../files.js';
import { sum } from '../../measure/statistics/statistics.js';
import { readModel } from '../../onnx/file/read.js';
import { valuesRead } from '../../onnx/graph/graph.js';
import { modelTensors } from '../../onnx/graph/subgraphs.js';
import { mainGraph, type OnnxModel } from '../../onnx/model.js';
import { simplifyModel } from '../../onnx/normalForm/simplify.js';
import { type CarriedState, carryStates } from '../../onnx/split/carryStates.js';
import { chooseCuts } from '../../onnx/split/chooseCuts.js';
import { type CrossingValue, crossingValues, cutGraph, type Stage } from '../../onnx/split/cutGraph.js';
import { directionStages, splitDirections } from '../../onnx/split/splitDirections.js';
import { storedSizeBytes } from '../../onnx/tensor/tensor.js';
import { operatorSetsOf } from '../../onnx/types/signature.js';
import { valueTypes } from '../../onnx/types/valueTypes.js';
import { HANDED_TYPES } from '../../process/arraysFile.js';
import type { FeedsOf, RunOptions } from '../runModel.js';
import { type NodeCosts, nodeCosts } from './nodeCosts.js';
import { type SplitParts, type SplitReport, writeSplit } from './splitFolder.js';
import { stageTimes } from './stageTimes.js';

/** How a model is split. */
export interface SplitOptions extends RunOptions {
  /** How many stages. */
  readonly stages: number;
  /** What it is fed with, to measure times and sizes; `null` measures nothing: stages then have like shares of the weights. */
  readonly feedsOf: FeedsOf | null;
  /** Whether stages carry the states of their recurrent layers from run to run, so that one recording can be run in pieces. Default: false. */
  readonly carry?: boolean;
}

/**
 * Cuts a model into stages that are run one after another, each in a process or on a machine of its own, and writes them into a folder.
 *
 * Cuts are chosen such that the slowest stage takes as little time as can be and, of all that come within a tenth of it, where the
 * fewest bytes cross. Where nothing is measured, by the bytes of the weights and the number of values: a model that no machine
 * can run as a whole is split on any.
 *
 * @param path - the `.onnx` file; it is brought into normal form first
 * @param out - folder that is made; it appears as a whole or not at all
 * @throws {InputError} when the model cannot be run or has no such cuts, or the folder holds something
 * @throws {UnavailableError} when the folder cannot be written
 */
export async function splitModel(path: string, out: string, options: SplitOptions): Promise<SplitReport> {
  const { stages: wanted, feedsOf } = options;
  if (!(Number.isInteger(wanted) && wanted >= 2)) {
    throw new InputError(`stages: a whole number from 2 was required, got ${wanted}; 2 is usual`);
  }
  const { model } = simplifyModel(await readModel(path));
  const nodes = mainGraph(model).node;
  if (wanted > nodes.length) {
    throw new InputError(
      `${path}: a node for each of ${wanted} stages was required, got ${nodes.length} nodes; split it into fewer`,
    );
  }
  const crossing = crossingValues(model);
  const costs = feedsOf === null ? null : await nodeCosts(model, feedsOf, options);
  const values = costs?.values ?? typesOf(model);
  const sizeOf = (name: string): number => {
    const value = values.get(name);
    if (value === undefined || !HANDED_TYPES.includes(value.dtype)) return Number.POSITIVE_INFINITY;
    return costs?.values.get(name)?.bytes ?? 1;
  };
  const bytes = crossing.map((names) => sum(names.map(sizeOf)));
  const choose = (worth: readonly number[]): readonly number[] => {
    const starts = chooseCuts(worth, bytes, wanted);
    if (starts !== null) return starts;
    throw new InputError(
      `${path}: places for ${wanted - 1} cuts were required, where tensors alone cross, got fewer; split it into fewer stages`,
    );
  };
  const first = choose(costs?.timesMs ?? weightBytesOf(model));
  const { starts, timesMs } =
    costs === null
      ? { starts: first, timesMs: null }
      : await balanced(first, costs, choose, async (at) => {
          return await stageTimes(cutGraph(model, at, values), costs.feeds, options);
        });
  const stages: readonly CarryingStage[] = cutGraph(model, starts, values).map((stage) =>
    options.carry ? carryStates(stage) : stage,
  );
  return await writeSplit(out, {
    ...(await sourceOf(path, model)),
    stages: stages.map((stage, index) => describeStage(stage, timesMs?.[index] ?? null)),
    cuts: starts.map((start) => ({
      values: (crossing[start] ?? []).map((name) => ({ name, dtype: values.get(name)?.dtype ?? 'undefined' })),
      bytes: costs && (bytes[start] ?? 0),
    })),
  });
}

type CarryingStage = Stage & { readonly carried?: readonly CarriedState[] };

/**
 * Cuts a model between the two directions of its recurrent layers: two stages for each layer, which run side by side, and one for what
 * is behind. Nothing is measured.
 *
 * @param path - the `.onnx` file; it is brought into normal form first
 * @param out - folder that is made; it appears as a whole or not at all
 * @throws {InputError} when no layer hears in both directions, or one is given states; or the folder holds something
 * @throws {UnavailableError} when the folder cannot be written
 */
export async function splitModelDirections(path: string, out: string): Promise<SplitReport> {
  const { model } = simplifyModel(await readModel(path));
  const stages = directionStages(splitDirections(model)).map((stage) => describeStage(stage, null));
  return await writeSplit(out, { ...(await sourceOf(path, model)), stages, cuts: [] });
}

async function sourceOf(
  path: string,
  model: OnnxModel,
): Promise<Pick<SplitReport, 'source' | 'sourceSha256' | 'inputs' | 'outputs'>> {
  const { input, output } = mainGraph(model);
  const [inputs, outputs] = [input.map(({ name }) => name), output.map(({ name }) => name)];
  return { source: path, sourceSha256: await sha256OfFile(path), inputs, outputs };
}

function describeStage(stage: CarryingStage, timeMs: number | null): SplitParts['stages'][number] {
  return {
    stage,
    nodes: mainGraph(stage.model).node.length,
    weightBytes: sum([...modelTensors(stage.model.proto)].map(storedSizeBytes)),
    timeMs,
    carried: stage.carried,
  };
}

/** How often other cuts are tried, after what the stages really took. */
const TRIES = 4;

/**
 * Nodes that the runtime joins take less than alone: the stages of each choice are timed, what their nodes cost is set right by that,
 * and cuts are chosen anew, until they are the same again.
 *
 * @param time - of each stage, for cuts
 * @returns of the cuts that were tried those whose slowest stage took least
 */
async function balanced(
  first: readonly number[],
  { timesMs: alone }: NodeCosts,
  choose: (costs: readonly number[]) => readonly number[],
  time: (starts: readonly number[]) => Promise<readonly number[]>,
): Promise<{ readonly starts: readonly number[]; readonly timesMs: readonly number[] }> {
  let best = { starts: first, timesMs: await time(first) };
  let costs = alone;
  let last = best;
  const tried = new Set([first.join()]);
  for (let attempt = 1; attempt < TRIES; attempt++) {
    const bounds = [0, ...last.starts, costs.length];
    costs = costs.map((cost, index) => {
      const stage = bounds.findLastIndex((start) => start <= index);
      const thought = sum(costs.slice(bounds[stage], bounds[stage + 1]));
      return thought > 0 ? (cost * (last.timesMs[stage] ?? 0)) / thought : cost;
    });
    const starts = choose(costs);
    if (tried.has(starts.join())) break;
    tried.add(starts.join());
    last = { starts, timesMs: await time(starts) };
    if (Math.max(...last.timesMs) < Math.max(...best.timesMs)) best = last;
  }
  return best;
}

/** Element types as the file and the definitions of the operators tell them. */
function typesOf(model: OnnxModel): ReadonlyMap<string, CrossingValue> {
  const types = valueTypes(mainGraph(model), operatorSetsOf(model.proto));
  return new Map([...types].map(([name, dtype]) => [name, { dtype, rank: null }]));
}

/** Bytes of the weights that each node is the first to read. */
function weightBytesOf(model: OnnxModel): readonly number[] {
  const { node: nodes, initializer } = mainGraph(model);
  const left = new Map(initializer.map((tensor) => [tensor.name, storedSizeBytes(tensor)]));
  return nodes.map((node) => {
    let bytes = 0;
    for (const name of valuesRead(node)) {
      bytes += left.get(name) ?? 0;
      left.delete(name);
    }
    return bytes;
  });
}
