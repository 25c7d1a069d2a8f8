import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeProto, TensorProto } from 'onnx-buf';
import { z } from 'zod';
import { UnavailableError } from '../../errors.js';
import { parseJson } from '../../files.js';
import { readModel } from '../../onnx/file/read.js';
import { isOp } from '../../onnx/graph/node.js';
import { modelNodes, nestedGraphs } from '../../onnx/graph/subgraphs.js';
import { elementCount, shapeOf, storedSizeBytes, tensorDtype } from '../../onnx/tensor/tensor.js';
import { ownValue } from '../../ownValue.js';
import type { LoadedGraph } from '../../recognise/session/modelSession.js';
import { openSession } from '../../recognise/session/session.js';
import type { Tensor } from '../../runtime.js';

/** Makes the inputs of each run for a graph that was loaded. */
type FeedsFor = (graph: LoadedGraph) => Promise<readonly Readonly<Record<string, Tensor>>[]>;

/** Work of one node in one run of a model. */
export interface NodeWork {
  readonly name: string;
  readonly opType: string;
  /** In which arithmetic its products are. */
  readonly arithmetic: 'float32' | 'int8';
  /** A multiply-add is two. */
  readonly operations: number;
  /** Weights, inputs and outputs that are read or written once. */
  readonly bytesOnce: number;
  /** Weights that are read anew in each step of a recurrence, all steps together. */
  readonly bytesStreamed: number;
  /** Size of what is read anew: one direction's recurrent weights, or all weights of a loop's body. */
  readonly streamedSetBytes: number;
}

/**
 * Operators whose work is counted: products, convolutions and recurrences. All else is taken as free, so that what follows from
 * the count is a lower limit of time.
 */
const COUNTED: ReadonlySet<string> = new Set([
  ...[
    'MatMul',
    'Gemm',
    'MatMulInteger',
    'MatMulNBits',
    'DynamicQuantizeMatMul',
    'MatMulIntegerToFloat',
    'QLinearMatMul',
  ],
  ...['Conv', 'ConvInteger', 'QLinearConv', 'LSTM', 'GRU', 'RNN', 'DynamicQuantizeLSTM'],
]);

/** Gates of a recurrent cell: products of each step. */
const GATES: Readonly<Record<string, number>> = { LSTM: 4, DynamicQuantizeLSTM: 4, GRU: 3, RNN: 1 };

const INTEGER =
  /^(?:MatMulInteger|MatMulNBits|DynamicQuantizeMatMul|MatMulIntegerToFloat|QLinear\w+|ConvInteger|DynamicQuantizeLSTM)$/;

const shapes = z.array(z.record(z.string(), z.array(z.number())));

const eventSchema = z.array(
  z.object({
    cat: z.string().optional(),
    name: z.string().optional(),
    args: z
      .looseObject({
        op_name: z.string().optional(),
        input_type_shape: shapes.optional(),
        output_type_shape: shapes.optional(),
        activation_size: z.string().optional(),
        output_size: z.string().optional(),
      })
      .optional(),
  }),
);

/** A run of a node, as the runtime's profile tells it. */
export interface NodeEvent {
  readonly name: string;
  readonly opType: string;
  readonly inputs: readonly (readonly number[])[];
  readonly outputs: readonly (readonly number[])[];
  /** Bytes of its inputs that are no weights, and of its outputs. */
  readonly activationBytes: number;
}

/**
 * Counts the work of one run of a model: shapes are those that the runtime saw, with nothing fused; weights are those of the
 * file. A recurrence counts once for each step.
 *
 * @param path - the `.onnx` file
 * @param feedsFor - makes the inputs of the run
 * @throws {InputError} when the file is no model
 * @throws {UnavailableError} when the runtime writes no profile
 */
export async function countWork(path: string, feedsFor: FeedsFor): Promise<readonly NodeWork[]> {
  const weights = weightsOf((await readModel(path)).proto);
  const events = parseEvents(await profile(path, feedsFor));
  const works = new Map<string, NodeWork>();
  for (const event of events) {
    const { bytes, elements, quantized, bodyBytes } = weights.get(event.name) ?? NO_WEIGHTS;
    const own = workOf(event, bytes, elements, quantized, bodyBytes);
    const before = works.get(event.name);
    works.set(event.name, before === undefined ? own : add(before, own));
  }
  return [...works.values()];
}

function add(one: NodeWork, other: NodeWork): NodeWork {
  return {
    ...one,
    operations: one.operations + other.operations,
    bytesOnce: one.bytesOnce + other.bytesOnce,
    bytesStreamed: one.bytesStreamed + other.bytesStreamed,
  };
}

/** Weights of a node. */
interface Weights {
  readonly bytes: number;
  /** Elements of a convolution's filters for one output channel. */
  readonly elements: number;
  /** Whether they are stored in eight bits or fewer. */
  readonly quantized: boolean;
  /** All weights of the loop body that the node stands in; 0 outside of loops. */
  readonly bodyBytes: number;
}

const NO_WEIGHTS: Weights = { bytes: 0, elements: 0, quantized: false, bodyBytes: 0 };

/** Weights by node name; of a node that reads them through `DequantizeLinear`, the stored ones. */
function weightsOf(proto: Parameters<typeof modelNodes>[0]): Map<string, Weights> {
  const stored = new Map<string, TensorProto>();
  const graphs = proto.graph === undefined ? [] : [...nestedGraphs(proto.graph)];
  for (const graph of graphs) for (const tensor of graph.initializer) stored.set(tensor.name, tensor);
  const producers = new Map<string, NodeProto>();
  for (const node of modelNodes(proto)) for (const output of node.output) producers.set(output, node);
  const find = (name: string): TensorProto | undefined => {
    const producer = producers.get(name);
    if (producer === undefined) return stored.get(name);
    return isOp(producer, 'DequantizeLinear') || isOp(producer, 'Cast')
      ? stored.get(producer.input[0] ?? '')
      : undefined;
  };
  const found = new Map<string, Weights>();
  for (const [depth, graph] of graphs.entries()) {
    const own = graph.node.filter(({ opType }) => COUNTED.has(opType));
    const ofNode = (node: NodeProto): readonly TensorProto[] => node.input.flatMap((name) => find(name) ?? []);
    const bodyBytes = depth === 0 ? 0 : sum(own.flatMap(ofNode).map(storedSizeBytes));
    for (const node of own) {
      const tensors = ofNode(node);
      // The largest is the matrix or the filters; scales and biases are small.
      const main = tensors.toSorted((a, b) => elementCount(b) - elementCount(a))[0];
      const shape = main === undefined ? [] : shapeOf(main);
      found.set(node.name, {
        bytes: sum(tensors.map(storedSizeBytes)),
        elements: shape.slice(1).reduce((product, size) => product * size, 1),
        quantized: main !== undefined && ['int8', 'uint8', 'int4', 'uint4'].includes(tensorDtype(main)),
        bodyBytes,
      });
    }
  }
  return found;
}

/**
 * Work of one run of a node.
 *
 * @param weightBytes - of its weights, as stored
 * @param filterElements - of a convolution: elements of the filters of one output channel
 * @param quantized - whether the weights are stored in eight bits or fewer
 * @param bodyBytes - weights of the loop body around it; 0 outside of loops
 */
export function workOf(
  { name, opType, inputs, outputs, activationBytes }: NodeEvent,
  weightBytes: number,
  filterElements: number,
  quantized: boolean,
  bodyBytes: number,
): NodeWork {
  const arithmetic = quantized || INTEGER.test(opType) ? 'int8' : 'float32';
  const whole = { name, opType, arithmetic } as const;
  const [x = []] = inputs;
  const [y = []] = outputs;
  const gates = ownValue(GATES, opType);
  if (gates !== undefined) {
    const [steps = 0, batch = 0, width = 0] = x;
    const units = y.at(-1) ?? 0;
    const directions = (y.length === 4 ? y[1] : y[0]) ?? 1;
    const operations = 2 * steps * batch * directions * gates * units * (width + units);
    const share = units / (width + units);
    return {
      ...whole,
      operations,
      bytesOnce: weightBytes * (1 - share) + activationBytes,
      bytesStreamed: weightBytes * share * steps,
      streamedSetBytes: (weightBytes * share) / directions,
    };
  }
  const elements = y.reduce((product, size) => product * size, 1);
  const depth = opType.includes('Conv') ? filterElements : (x.at(-1) ?? 0);
  const streamed = bodyBytes > 0;
  return {
    ...whole,
    operations: 2 * elements * depth,
    bytesOnce: (streamed ? 0 : weightBytes) + activationBytes,
    bytesStreamed: streamed ? weightBytes : 0,
    streamedSetBytes: bodyBytes,
  };
}

function parseEvents(text: string): readonly NodeEvent[] {
  return parseJson(text, eventSchema, 'profile').flatMap(({ cat, name = '', args }) => {
    const opType = args?.op_name ?? '';
    if (cat !== 'Node' || !name.endsWith('_kernel_time') || !COUNTED.has(opType)) return [];
    const dims = (list: z.infer<typeof shapes> | undefined): readonly (readonly number[])[] =>
      (list ?? []).flatMap((value) => Object.values(value));
    return [
      {
        name: name.slice(0, -'_kernel_time'.length),
        opType,
        inputs: dims(args?.input_type_shape),
        outputs: dims(args?.output_type_shape),
        activationBytes: Number(args?.activation_size ?? 0) + Number(args?.output_size ?? 0),
      },
    ];
  });
}

/** Each run once, with the profiler on and nothing fused, so that nodes bear the names of the file. */
async function profile(path: string, feedsFor: FeedsFor): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'quantlab-work-'));
  try {
    const profilePrefix = join(folder, 'profile');
    const session = await openSession(path, { threads: 1, graphOptimizationLevel: 'disabled', profilePrefix });
    for (const feeds of await feedsFor(session)) await session.run(feeds);
    session.endProfiling();
    await session.release();
    const file = (await readdir(folder)).find((name) => name.startsWith('profile'));
    if (file === undefined) throw new UnavailableError('profile: a file of the runtime was required, got none');
    return await readFile(join(folder, file), 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
