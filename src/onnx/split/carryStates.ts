import { InputError } from '../../errors.js';
import { copyMessage } from '../graph/copy.js';
import { consumersOf } from '../graph/graph.js';
import { intAttribute, nodeTitle, stringAttribute } from '../graph/node.js';
import { UNARY } from '../graph/unary.js';
import { makeValueInfo } from '../graph/valueInfo.js';
import { mainGraph } from '../model.js';
import type { Stage } from './cutGraph.js';

/** A state of a recurrent layer, which a run of a stage takes up where the run before left it. */
export interface CarriedState {
  /** The input that is given it: zeros at the begin of a recording. */
  readonly input: string;
  /** The output that gives it to the next run. */
  readonly output: string;
  /** Of one recording: [1, 1, units]. */
  readonly shape: readonly number[];
}

/** States that a recurrent layer hands from step to step: where each comes in and out. */
const STATES: Readonly<Record<string, readonly { readonly at: number; readonly gives: number }[]>> = {
  LSTM: [
    { at: 5, gives: 1 },
    { at: 6, gives: 2 },
  ],
  GRU: [{ at: 5, gives: 1 }],
  RNN: [{ at: 5, gives: 1 }],
};
const LENGTHS = 4;

/** Operators that compute each step apart, whatever the order of axes, when they compute along the last axis, the features. */
const STEPWISE: ReadonlySet<string> = new Set([
  ...UNARY,
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Min', 'Max', 'PRelu', 'Transpose', 'Squeeze', 'Unsqueeze', 'Dropout'],
  ...['QuantizeLinear', 'DequantizeLinear', 'MatMulNBits', 'FastGelu', 'QuickGelu', 'BiasGelu'],
]);
const ALONG_LAST: ReadonlySet<string> = new Set(['Softmax', 'LogSoftmax', 'LayerNormalization', 'RMSNormalization']);
/** Products with a weight; with another value they would be attention. */
const BY_WEIGHT: ReadonlySet<string> = new Set(['MatMul', 'Gemm']);

/**
 * Gives a stage the states of its recurrent layers as inputs and outputs, so that a recording can be run in pieces, one after the
 * other, with the numbers of the whole: a pipeline then has several pieces of one recording under way.
 *
 * @param stage - in normal form, for one recording at a time, whose last axis is features where it computes along it
 * @returns the stage, and its states; they are not among its `inputs` and `outputs`, since its own process feeds them back
 * @throws {InputError} when a node reads steps that lie ahead, or further back than a state tells
 */
export function carryStates(stage: Stage): Stage & { readonly carried: readonly CarriedState[] } {
  const graph = mainGraph(stage.model);
  const weights = new Set(graph.initializer.map(({ name }) => name));
  const read = consumersOf(graph);
  const results = new Set(graph.output.map(({ name }) => name));
  const refuse = (what: string): never => {
    throw new InputError(
      `${stage.model.path}: layers that hear in one direction, step by step, were required, got ${what}; run it on whole recordings`,
    );
  };
  const carried: CarriedState[] = [];
  const nodes = graph.node.map((node) => {
    const states = node.domain === '' ? STATES[node.opType] : undefined;
    if (states === undefined) {
      const isStepwise =
        STEPWISE.has(node.opType) ||
        (ALONG_LAST.has(node.opType) && intAttribute(node, 'axis', -1) === -1) ||
        (BY_WEIGHT.has(node.opType) && weights.has(node.input[1] ?? ''));
      return isStepwise ? node : refuse(`${nodeTitle(node)} (${node.opType})`);
    }
    const direction = stringAttribute(node, 'direction', 'forward');
    if (direction !== 'forward') refuse(`${nodeTitle(node)} (${node.opType}, ${direction})`);
    if (node.input[LENGTHS]) refuse(`${nodeTitle(node)}, which is told lengths`);
    const input = Array.from({ length: Math.max(node.input.length, 7) }, (_, at) => node.input[at] ?? '');
    const output = Array.from({ length: states.length + 1 }, (_, at) => node.output[at] ?? '');
    const shape = [1, 1, intAttribute(node, 'hidden_size', 0)];
    for (const { at, gives } of states) {
      const given = output[gives] ?? '';
      if (input[at] !== '' || read.has(given) || results.has(given))
        refuse(`${nodeTitle(node)}, whose first or last state is given or read`);
      const name = `${node.output.find((own) => own !== '') ?? node.name}.state_${gives}`;
      input[at] = `${name}.before`;
      output[gives] = `${name}.after`;
      carried.push({ input: input[at] as string, output: output[gives] as string, shape });
    }
    while (input.at(-1) === '') input.pop();
    return copyMessage(node, { input, output });
  });
  const describe = (name: string, shape: readonly number[]) => makeValueInfo(name, 'float32', shape);
  const proto = copyMessage(stage.model.proto, {
    graph: copyMessage(graph, {
      node: nodes,
      input: [...graph.input, ...carried.map(({ input, shape }) => describe(input, shape))],
      output: [...graph.output, ...carried.map(({ output, shape }) => describe(output, shape))],
    }),
  });
  return { ...stage, model: { ...stage.model, proto }, carried };
}
