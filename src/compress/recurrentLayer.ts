import { create } from '@bufbuild/protobuf';
import { GraphProtoSchema } from 'onnx-buf';
import { DTYPE_CODE } from '../onnx/dtype.js';
import { makeNode } from '../onnx/node.js';
import { makeValueInfo } from '../onnx/valueInfo.js';
import { holdsByGate, writeStep } from './recurrentCells.js';
import type { ProductWriter } from './recurrentProducts.js';
import { NodeWriter } from './recurrentWriter.js';

/** What the directions of a layer share: values of the graph around their loops. */
interface Shared {
  /** [T, N, inputs]. */
  readonly x: string;
  /** bool, float32 and float32 [T, N, 1]: within the utterance, the same as numbers, and one minus that; or `null`. */
  readonly mask: { readonly inside: string; readonly ones: string; readonly padding: string } | null;
  /** Initial states [directions, N, units], empty for zeros. */
  readonly state: string;
  readonly cell: string;
  /** [N, units]. */
  zeros(): string;
}

/** What one direction answers. */
interface DirectionOutputs {
  /** [T, N, units]. */
  readonly states: string;
  /** [N, units]. */
  readonly lastState: string;
  readonly lastCell: string;
}

/** Adds the nodes that stand for a recurrent node: its input products, a `Scan` for each direction, its outputs. */
export function writeLayer(products: ProductWriter, writer: NodeWriter): void {
  const { recurrent } = products;
  const { node, batchFirst, reversed } = recurrent;
  const turn = (name: string, perm: readonly number[]): string =>
    name === '' || !batchFirst ? name : writer.add('Transpose', [name], { perm });
  const x = turn(node.input[0] ?? '', [1, 0, 2]);
  let zeros: string | undefined;
  const shared: Shared = {
    x,
    mask: recurrent.lengths === '' ? null : writeMask(writer, x, recurrent.lengths),
    state: turn(recurrent.initialState, [1, 0, 2]),
    cell: turn(recurrent.initialCell, [1, 0, 2]),
    zeros: () => {
      zeros ??= writeZeros(writer, x, recurrent.units);
      return zeros;
    },
  };
  const outputs = reversed.map((_, direction) => writeDirection(products, writer, direction, shared));
  const [states = '', lastState = '', lastCell = ''] = node.output;
  stack(
    writer,
    outputs.map((one) => one.states),
    1,
    states,
    batchFirst ? [2, 0, 1, 3] : null,
  );
  stack(
    writer,
    outputs.map((one) => one.lastState),
    0,
    lastState,
    batchFirst ? [1, 0, 2] : null,
  );
  if (recurrent.opType === 'LSTM') {
    stack(
      writer,
      outputs.map((one) => one.lastCell),
      0,
      lastCell,
      batchFirst ? [1, 0, 2] : null,
    );
  }
}

function writeMask(writer: NodeWriter, x: string, lengths: string): Shared['mask'] {
  const shape = writer.add('Shape', [x]);
  const steps = writer.add('Gather', [shape, writer.integer(0)], { axis: 0 });
  const positions = writer.add('Range', [writer.integer(0), steps, writer.integer(1)]);
  const wide = writer.add('Cast', [lengths], { to: DTYPE_CODE.int64 });
  const within = writer.add('Less', [writer.unsqueeze(positions, [1]), wide]);
  const inside = writer.unsqueeze(within, [2]);
  const ones = writer.add('Cast', [inside], { to: DTYPE_CODE.float32 });
  return { inside, ones, padding: writer.add('Sub', [writer.float(1), ones]) };
}

function writeZeros(writer: NodeWriter, x: string, units: number): string {
  const shape = writer.add('Shape', [x]);
  const batch = writer.add('Gather', [shape, writer.integers([1])], { axis: 0 });
  const size = writer.add('Concat', [batch, writer.integers([units])], { axis: 0 });
  return writer.add('ConstantOfShape', [size]);
}

function writeDirection(
  products: ProductWriter,
  writer: NodeWriter,
  direction: number,
  shared: Shared,
): DirectionOutputs {
  const { opType, units, gates, reversed } = products.recurrent;
  const projected = products.project(writer, shared.x, direction);
  const hasCell = opType === 'LSTM';
  const initial = (given: string): string =>
    given === '' ? shared.zeros() : writer.add('Gather', [given, writer.integer(direction)], { axis: 0 });
  const byGate = holdsByGate(products.recurrent, direction);

  const inner = new NodeWriter(writer.names, `${writer.prefix}/step${direction}`, writer.opset, writer.stored, writer);
  const state = inner.name('state');
  const cell = hasCell ? inner.name('cell') : '';
  const step = inner.name('projected');
  const mask = shared.mask === null ? '' : inner.name(byGate ? 'padding' : 'inside');
  const next = writeStep(products, direction, inner, {
    state,
    cell,
    projected: step,
    inside: byGate ? '' : mask,
    padding: byGate ? mask : '',
  });
  const nextState = inner.add('Identity', [next.state]);
  const value = (name: string, width: number) => makeValueInfo(name, 'float32', ['batch', width]);
  const body = create(GraphProtoSchema, {
    name: `${writer.prefix}/step${direction}`,
    node: inner.nodes,
    input: [
      value(state, units),
      ...(hasCell ? [value(cell, units)] : []),
      value(step, gates * units),
      ...(mask === '' ? [] : [makeValueInfo(mask, byGate ? 'float32' : 'bool', ['batch', 1])]),
    ],
    output: [value(nextState, units), ...(hasCell ? [value(next.cell, units)] : []), value(next.state, units)],
  });

  const lastState = writer.name('last_state');
  const lastCell = hasCell ? writer.name('last_cell') : '';
  const states = writer.name('states');
  const outerMask = byGate ? shared.mask?.padding : shared.mask?.inside;
  const scanned = mask === '' || outerMask === undefined ? [projected] : [projected, outerMask];
  const way = reversed[direction] === true ? 1 : 0;
  writer.nodes.push(
    makeNode(
      'Scan',
      [initial(shared.state), ...(hasCell ? [initial(shared.cell)] : []), ...scanned],
      [lastState, ...(hasCell ? [lastCell] : []), states],
      {
        name: writer.names.node(`${writer.prefix}/Scan${direction}`),
        attributes: {
          body: { graph: body },
          num_scan_inputs: scanned.length,
          scan_input_directions: scanned.map(() => way),
          scan_output_directions: [way],
        },
      },
    ),
  );
  // Padding answers zero, whatever state is held through it.
  const masked = shared.mask === null ? states : writer.add('Mul', [states, shared.mask.ones]);
  return { states: masked, lastState, lastCell };
}

/** Puts the values of the directions beside each other on a new axis, under the name that the node gave them. */
function stack(
  writer: NodeWriter,
  values: readonly string[],
  axis: number,
  output: string,
  perm: readonly number[] | null,
): void {
  if (output === '') return;
  const apart = values.map((value) => writer.unsqueeze(value, [axis]));
  const [only = ''] = apart;
  if (perm === null) {
    if (apart.length === 1) writer.addTo(output, 'Identity', [only]);
    else writer.addTo(output, 'Concat', apart, { axis });
    return;
  }
  const joined = apart.length === 1 ? only : writer.add('Concat', apart, { axis });
  writer.addTo(output, 'Transpose', [joined], { perm });
}
