import { z } from 'zod';
import { parseJson } from '../../files.js';
import { copyMessage } from '../../onnx/graph/copy.js';
import { mainGraph, type OnnxModel } from '../../onnx/model.js';
import type { CrossingValue } from '../../onnx/split/cutGraph.js';
import { bitsOf, type Dtype } from '../../onnx/tensor/dtype.js';
import type { Tensor } from '../../runtime.js';
import { nodeTimes } from '../profile.js';
import { type FeedsOf, profileText, type RunOptions } from '../runModel.js';

/** What nodes cost, and what is known of the values that they make. */
export interface NodeCosts {
  /** Milliseconds of each node in one round of all feeds, in the order of the graph. */
  readonly timesMs: readonly number[];
  /** Of each value that a run showed: what crosses where it is handed over, and how many bytes, the mean of all runs. */
  readonly values: ReadonlyMap<string, CrossingValue & { readonly bytes: number }>;
  /** What the runs were fed with. */
  readonly feeds: readonly Readonly<Record<string, Tensor>>[];
}

/** The runtime's names of element types, as C++ has them. */
const DTYPES: Readonly<Record<string, Dtype>> = { float: 'float32', double: 'float64' };

const shapes = z.array(z.record(z.string(), z.array(z.number())));
const events = z.array(
  z.object({
    cat: z.string().optional(),
    name: z.string().optional(),
    args: z.looseObject({ output_type_shape: shapes.optional() }).optional(),
  }),
);

/**
 * Measures what each node of a model takes, and how large its values are, as they stand in the file: nothing is fused, so that
 * a place between two nodes is one that can be cut.
 *
 * @param model - in normal form
 * @throws {InputError} when the model cannot be loaded or run
 */
export async function nodeCosts(model: OnnxModel, feedsOf: FeedsOf, options: RunOptions): Promise<NodeCosts> {
  const graph = mainGraph(model);
  // Names of the profile are made unique: exporters leave them out, or give one to several.
  const named = graph.node.map((node, index) => copyMessage(node, { name: `split:${index}` }));
  const proto = copyMessage(model.proto, { graph: copyMessage(graph, { node: named }) });
  const feeds: Readonly<Record<string, Tensor>>[] = [];
  const kept: FeedsOf = async function* (session) {
    for await (const one of feedsOf(session)) {
      feeds.push(one);
      yield one;
    }
  };
  const profile = await profileText({ proto, path: model.path }, kept, {
    ...options,
    graphOptimizationLevel: 'disabled',
  });
  const times = nodeTimes(profile.text, profile.warmUpRuns, profile.runsOfRound);
  const seen = new Map<string, { readonly dtype: Dtype; readonly rank: number; bytes: number; runs: number }>();
  for (const { cat, name = '', args } of parseJson(profile.text, events, 'profile')) {
    const index = cat === 'Node' ? /^split:(\d+)_kernel_time$/.exec(name)?.[1] : undefined;
    const outputs = graph.node[Number(index)]?.output.filter((output) => output !== '') ?? [];
    const told = (args?.output_type_shape ?? []).flatMap((one) => Object.entries(one));
    // What is no tensor is left out of the list: which is which is then not known.
    if (told.length !== outputs.length) continue;
    for (const [place, output] of outputs.entries()) {
      const [type, dims] = told[place] as [string, number[]];
      const dtype = DTYPES[type] ?? (type.replace(/_t$/, '') as Dtype);
      const bytes = (dims.reduce((product, size) => product * size, 1) * (bitsOf(dtype) ?? 0)) / 8;
      const before = seen.get(output) ?? { dtype, rank: dims.length, bytes: 0, runs: 0 };
      seen.set(output, { ...before, bytes: before.bytes + bytes, runs: before.runs + 1 });
    }
  }
  return {
    feeds,
    timesMs: graph.node.map(({ opType }, index) => times.get(`split:${index} ${opType}`) ?? 0),
    values: new Map(
      [...seen].map(([name, { dtype, rank, bytes, runs }]) => [name, { dtype, rank, bytes: bytes / runs }]),
    ),
  };
}
