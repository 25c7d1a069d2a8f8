import { makeTensor } from '../onnx/tensor.js';
import { writeActivation } from './recurrentActivations.js';
import type { RecurrentNode } from './recurrentNode.js';
import type { ProductWriter } from './recurrentProducts.js';
import type { NodeWriter } from './recurrentWriter.js';

/** The values that one step reads. */
export interface StepInputs {
  /** The step's part of the input product, biases added: [N, gates · units]. */
  readonly projected: string;
  /** [N, units]. */
  readonly state: string;
  /** LSTM's cell, [N, units]; empty for the others. */
  readonly cell: string;
  /** Whether the step lies within the utterance, bool [N, 1]; empty where all do. */
  readonly inside: string;
  /** 1 where the step is padding, else 0, float32 [N, 1]; empty where none is. */
  readonly padding: string;
}

/** The values that one step makes. */
export interface StepOutputs {
  readonly state: string;
  readonly cell: string;
}

/** Functions whose values never exceed one. */
const UP_TO_ONE: ReadonlySet<string> = new Set(['sigmoid', 'hardsigmoid']);

/** Whether padding holds a node's state by way of its update gate, instead of choosing between old and new. */
export function holdsByGate(recurrent: RecurrentNode, direction: number): boolean {
  return recurrent.opType === 'GRU' && UP_TO_ONE.has(recurrent.activations[direction]?.[0]?.name ?? '');
}

/** Adds the nodes of one step of one direction. */
export function writeStep(
  products: ProductWriter,
  direction: number,
  writer: NodeWriter,
  inputs: StepInputs,
): StepOutputs {
  switch (products.recurrent.opType) {
    case 'GRU':
      return writeGruStep(products, direction, writer, inputs);
    case 'LSTM':
      return writeLstmStep(products, direction, writer, inputs);
    default:
      return writeRnnStep(products, direction, writer, inputs);
  }
}

/**
 * z, r = f(x + h·R); n = g(x + r ∘ (h·R + b)) or, without `linear_before_reset`, g(x + (r ∘ h)·R);
 * h′ = n + z ∘ (h − n), which is (1 − z) ∘ n + z ∘ h with a product less.
 */
function writeGruStep(products: ProductWriter, direction: number, writer: NodeWriter, inputs: StepInputs): StepOutputs {
  const { units, linearBeforeReset } = products.recurrent;
  const [projectedGates = '', projectedNew = ''] = writer.split(inputs.projected, -1, [2 * units, units]);
  const range = { first: 0, count: linearBeforeReset ? 3 : 2 };
  const recurred = products.recur(writer, inputs.state, direction, range);
  const [recurredGates = '', recurredNew = ''] = linearBeforeReset
    ? writer.split(recurred, -1, [2 * units, units])
    : [recurred];
  const read = writer.add('Add', [projectedGates, recurredGates]);
  const gates = activate(products, direction, writer, 0, read);
  const [update = '', reset = ''] = writer.split(gates, -1, [units, units]);
  const candidate = linearBeforeReset
    ? writer.add('Mul', [reset, recurredNew])
    : products.recur(writer, writer.add('Mul', [reset, inputs.state]), direction, { first: 2, count: 1 });
  const fresh = activate(products, direction, writer, 1, writer.add('Add', [projectedNew, candidate]));
  const byGate = inputs.padding !== '';
  const kept = byGate ? writer.add('Max', [update, inputs.padding]) : update;
  const change = writer.add('Mul', [kept, writer.add('Sub', [inputs.state, fresh])]);
  const next = writer.add('Add', [fresh, change]);
  return { state: byGate ? next : held(writer, inputs.inside, next, inputs.state), cell: '' };
}

/** h′ = f(x + h·R). */
function writeRnnStep(products: ProductWriter, direction: number, writer: NodeWriter, inputs: StepInputs): StepOutputs {
  const recurred = products.recur(writer, inputs.state, direction, { first: 0, count: 1 });
  const read = writer.add('Add', [inputs.projected, recurred]);
  const next = activate(products, direction, writer, 0, read);
  return { state: held(writer, inputs.inside, next, inputs.state), cell: '' };
}

/**
 * i, f = f(x + h·R + p ∘ c); c′ = f ∘ c + i ∘ g(x + h·R); o = f(x + h·R + p ∘ c′); h′ = o ∘ h(c′).
 * Rows stand in the order input, output, forget, cell.
 */
function writeLstmStep(
  products: ProductWriter,
  direction: number,
  writer: NodeWriter,
  inputs: StepInputs,
): StepOutputs {
  const { units, inputForget } = products.recurrent;
  const recurred = products.recur(writer, inputs.state, direction, { first: 0, count: 4 });
  const read = writer.add('Add', [inputs.projected, recurred]);
  const peephole = peepholesOf(products, direction, writer);
  const gate = (value: string, index: 0 | 1 | 2, cell: string): string => {
    const seen = peephole === null ? value : writer.add('Add', [value, writer.add('Mul', [peephole[index], cell])]);
    return activate(products, direction, writer, 0, seen);
  };
  let input: string;
  let output: string;
  let forget: string;
  let fresh: string;
  if (peephole === null) {
    const [gates = '', cells = ''] = writer.split(read, -1, [3 * units, units]);
    const open = activate(products, direction, writer, 0, gates);
    [input = '', output = '', forget = ''] = writer.split(open, -1, [units, units, units]);
    fresh = cells;
  } else {
    [input = '', output = '', forget = '', fresh = ''] = writer.split(read, -1, [units, units, units, units]);
    input = gate(input, 0, inputs.cell);
    if (!inputForget) forget = gate(forget, 2, inputs.cell);
  }
  if (inputForget) forget = writer.add('Sub', [writer.float(1), input]);
  const change = writer.add('Mul', [input, activate(products, direction, writer, 1, fresh)]);
  const cell = writer.add('Add', [writer.add('Mul', [forget, inputs.cell]), change]);
  if (peephole !== null) output = gate(output, 1, cell);
  const bounded = products.recurrent.activations[direction]?.[2];
  const state = writer.add('Mul', [output, bounded === undefined ? cell : writeActivation(writer, bounded, cell)]);
  return {
    state: held(writer, inputs.inside, state, inputs.state),
    cell: held(writer, inputs.inside, cell, inputs.cell),
  };
}

/** Names of the peepholes of the input, output and forget gates. */
function peepholesOf(products: ProductWriter, direction: number, writer: NodeWriter): [string, string, string] | null {
  const { peepholes, units } = products.recurrent;
  if (peepholes === null) return null;
  const stored = [0, 1, 2].map((index) => {
    const name = writer.name('peephole');
    const first = (direction * 3 + index) * units;
    products.scope.added.push(makeTensor(name, 'float32', [units], peepholes.slice(first, first + units)));
    products.record.biases.add(name);
    return name;
  });
  return stored as [string, string, string];
}

/** The new value within the utterance, the old one in its padding. */
function held(writer: NodeWriter, inside: string, next: string, old: string): string {
  return inside === '' ? next : writer.add('Where', [inside, next, old]);
}

function activate(products: ProductWriter, direction: number, writer: NodeWriter, place: number, x: string): string {
  const { clip, activations } = products.recurrent;
  const bounded = clip > 0 ? writer.add('Clip', [x, writer.float(-clip), writer.float(clip)]) : x;
  const activation = activations[direction]?.[place];
  return activation === undefined ? bounded : writeActivation(writer, activation, bounded);
}
