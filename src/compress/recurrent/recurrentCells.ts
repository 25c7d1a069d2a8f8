import { makeTensor } from '../../onnx/tensor/tensor.js';
import { writeActivation } from './recurrentActivations.js';
import type { RecurrentNode } from './recurrentNode.js';
import type { GateRange, ProductWriter } from './recurrentProducts.js';
import type { NodeWriter } from './recurrentWriter.js';

/** The values that one step reads; D directions are computed together, the products excepted. */
export interface StepInputs {
  /** The step's part of the input product, biases added: [D, N, gates · units]. */
  readonly projected: string;
  /** [D, N, units]. */
  readonly state: string;
  /** LSTM's cell, [D, N, units]; empty for the others. */
  readonly cell: string;
  /** Whether the step lies within the utterance, bool [D, N, 1]; empty where all do. */
  readonly inside: string;
  /** 1 where the step is padding, else 0, float32 [D, N, 1]; empty where none is. */
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
export function holdsByGate(recurrent: RecurrentNode): boolean {
  return recurrent.opType === 'GRU' && recurrent.activations.every(([update]) => UP_TO_ONE.has(update?.name ?? ''));
}

/** Adds the nodes of one step. */
export function writeStep(products: ProductWriter, writer: NodeWriter, inputs: StepInputs): StepOutputs {
  switch (products.recurrent.opType) {
    case 'GRU':
      return writeGruStep(products, writer, inputs);
    case 'LSTM':
      return writeLstmStep(products, writer, inputs);
    default:
      return writeRnnStep(products, writer, inputs);
  }
}

/**
 * z, r = f(x + h·R); n = g(x + r ∘ (h·R + b)) or, without `linear_before_reset`, g(x + (r ∘ h)·R);
 * h′ = n + z ∘ (h − n), which is (1 − z) ∘ n + z ∘ h with a product less.
 */
function writeGruStep(products: ProductWriter, writer: NodeWriter, inputs: StepInputs): StepOutputs {
  const { units, linearBeforeReset } = products.recurrent;
  const [projectedGates = '', projectedNew = ''] = writer.split(inputs.projected, -1, [2 * units, units]);
  const range = { first: 0, count: linearBeforeReset ? 3 : 2 };
  const recurred = recurAll(products, writer, inputs.state, range);
  const [recurredGates = '', recurredNew = ''] = linearBeforeReset
    ? writer.split(recurred, -1, [2 * units, units])
    : [recurred];
  const read = writer.add('Add', [projectedGates, recurredGates]);
  const gates = activate(products, writer, 0, read);
  const [update = '', reset = ''] = writer.split(gates, -1, [units, units]);
  const candidate = linearBeforeReset
    ? writer.add('Mul', [reset, recurredNew])
    : recurAll(products, writer, writer.add('Mul', [reset, inputs.state]), { first: 2, count: 1 });
  const fresh = activate(products, writer, 1, writer.add('Add', [projectedNew, candidate]));
  const byGate = inputs.padding !== '';
  const kept = byGate ? writer.add('Max', [update, inputs.padding]) : update;
  const change = writer.add('Mul', [kept, writer.add('Sub', [inputs.state, fresh])]);
  const next = writer.add('Add', [fresh, change]);
  return { state: byGate ? next : held(writer, inputs.inside, next, inputs.state), cell: '' };
}

/** h′ = f(x + h·R). */
function writeRnnStep(products: ProductWriter, writer: NodeWriter, inputs: StepInputs): StepOutputs {
  const recurred = recurAll(products, writer, inputs.state, { first: 0, count: 1 });
  const read = writer.add('Add', [inputs.projected, recurred]);
  const next = activate(products, writer, 0, read);
  return { state: held(writer, inputs.inside, next, inputs.state), cell: '' };
}

/**
 * i, f = f(x + h·R + p ∘ c); c′ = f ∘ c + i ∘ g(x + h·R); o = f(x + h·R + p ∘ c′); h′ = o ∘ h(c′).
 * Rows stand in the order input, output, forget, cell.
 */
function writeLstmStep(products: ProductWriter, writer: NodeWriter, inputs: StepInputs): StepOutputs {
  const { units, inputForget } = products.recurrent;
  const recurred = recurAll(products, writer, inputs.state, { first: 0, count: 4 });
  const read = writer.add('Add', [inputs.projected, recurred]);
  const peephole = peepholesOf(products, writer);
  const gate = (value: string, index: 0 | 1 | 2, cell: string): string => {
    const seen = peephole === null ? value : writer.add('Add', [value, writer.add('Mul', [peephole[index], cell])]);
    return activate(products, writer, 0, seen);
  };
  let input: string;
  let output: string;
  let forget: string;
  let fresh: string;
  if (peephole === null) {
    const [gates = '', cells = ''] = writer.split(read, -1, [3 * units, units]);
    const open = activate(products, writer, 0, gates);
    [input = '', output = '', forget = ''] = writer.split(open, -1, [units, units, units]);
    fresh = cells;
  } else {
    [input = '', output = '', forget = '', fresh = ''] = writer.split(read, -1, [units, units, units, units]);
    input = gate(input, 0, inputs.cell);
    if (!inputForget) forget = gate(forget, 2, inputs.cell);
  }
  if (inputForget) forget = writer.add('Sub', [writer.float(1), input]);
  const change = writer.add('Mul', [input, activate(products, writer, 1, fresh)]);
  const cell = writer.add('Add', [writer.add('Mul', [forget, inputs.cell]), change]);
  if (peephole !== null) output = gate(output, 1, cell);
  const state = writer.add('Mul', [output, activate(products, writer, 2, cell, false)]);
  return {
    state: held(writer, inputs.inside, state, inputs.state),
    cell: held(writer, inputs.inside, cell, inputs.cell),
  };
}

/** The product with the recurrent weights of each direction. */
function recurAll(products: ProductWriter, writer: NodeWriter, h: string, range: GateRange): string {
  return eachDirection(products.recurrent, writer, h, (part, direction) =>
    products.recur(writer, part, direction, range),
  );
}

/** Cuts a value [D, …] into its directions, computes with each, and joins what comes of it. */
function eachDirection(
  { reversed }: RecurrentNode,
  writer: NodeWriter,
  x: string,
  compute: (part: string, direction: number) => string,
): string {
  const parts = writer.split(
    x,
    0,
    reversed.map(() => 1),
  );
  const results = parts.map(compute);
  const [only = ''] = results;
  return results.length === 1 ? only : writer.add('Concat', results, { axis: 0 });
}

/** Names of the peepholes of the input, output and forget gates, each [D, 1, units]. */
function peepholesOf(products: ProductWriter, writer: NodeWriter): [string, string, string] | null {
  const { peepholes, units, reversed } = products.recurrent;
  if (peepholes === null) return null;
  const stored = [0, 1, 2].map((index) => {
    const name = writer.name('peephole');
    const values = new Float32Array(reversed.length * units);
    for (let direction = 0; direction < reversed.length; direction++) {
      const first = (direction * 3 + index) * units;
      values.set(peepholes.subarray(first, first + units), direction * units);
    }
    products.scope.added.push(makeTensor(name, 'float32', [reversed.length, 1, units], values));
    products.record.biases.add(name);
    return name;
  });
  return stored as [string, string, string];
}

/** The new value within the utterance, the old one in its padding. */
function held(writer: NodeWriter, inside: string, next: string, old: string): string {
  return inside === '' ? next : writer.add('Where', [inside, next, old]);
}

/** The activation at a place of the list, bounded first where the node clips; directions may have their own. */
function activate(products: ProductWriter, writer: NodeWriter, place: number, x: string, clipped = true): string {
  const { clip, activations } = products.recurrent;
  const bounded = clipped && clip > 0 ? writer.add('Clip', [x, writer.float(-clip), writer.float(clip)]) : x;
  const [first, ...others] = activations.map((list) => list[place]);
  if (first === undefined) return bounded;
  const same = others.every(
    (other) => other?.name === first.name && other.alpha === first.alpha && other.beta === first.beta,
  );
  if (same) return writeActivation(writer, first, bounded);
  return eachDirection(products.recurrent, writer, bounded, (part, direction) =>
    writeActivation(writer, activations[direction]?.[place] ?? first, part),
  );
}
