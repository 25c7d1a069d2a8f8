import { create } from '@bufbuild/protobuf';
import { GraphProtoSchema, type ValueInfoProto } from 'onnx-buf';
import { makeNode } from '../../onnx/graph/node.js';
import { makeValueInfo } from '../../onnx/graph/valueInfo.js';
import { DTYPE_CODE } from '../../onnx/tensor/dtype.js';
import { holdsByGate, writeStep } from './recurrentCells.js';
import type { RecurrentNode } from './recurrentNode.js';
import type { ProductWriter } from './recurrentProducts.js';
import { NodeWriter } from './recurrentWriter.js';

/** Adds the nodes that stand for a recurrent node: its input products, a `Scan` for the steps, its outputs. */
export function writeLayer(products: ProductWriter, writer: NodeWriter): void {
  const { recurrent } = products;
  const { node, batchFirst, opType, units, gates, reversed } = recurrent;
  const turn = (name: string): string =>
    name === '' || !batchFirst ? name : writer.add('Transpose', [name], { perm: [1, 0, 2] });
  const x = turn(node.input[0] ?? '');
  const directions = reversed.length;
  const hasCell = opType === 'LSTM';
  const byGate = holdsByGate(recurrent);
  const mask = recurrent.lengths === '' ? null : writeMask(writer, x, recurrent, byGate);
  const projected = reversed.map((_, direction) => writer.unsqueeze(products.project(writer, x, direction), [1]));
  const given = [turn(recurrent.initialState), ...(hasCell ? [turn(recurrent.initialCell)] : [])];
  const zeros = given.includes('') ? writeZeros(writer, x, recurrent) : '';

  const inner = new NodeWriter(writer.names, `${writer.prefix}/step`, writer.opset, writer.stored, writer);
  const state = inner.name('state');
  const cell = hasCell ? inner.name('cell') : '';
  const parts = reversed.map(() => inner.name('projected'));
  const flag = mask === null ? '' : inner.name(byGate ? 'padding' : 'inside');
  const next = writeStep(products, inner, {
    state,
    cell,
    projected: directions === 1 ? (parts[0] ?? '') : inner.add('Concat', parts, { axis: 0 }),
    inside: byGate ? '' : flag,
    padding: byGate ? flag : '',
  });
  const carried = inner.add('Identity', [next.state]);
  const answers = inner.split(
    next.state,
    0,
    reversed.map(() => 1),
  );
  const value = (name: string, width: number, rows = directions): ValueInfoProto =>
    makeValueInfo(name, 'float32', [rows, 'batch', width]);
  const body = create(GraphProtoSchema, {
    name: `${writer.prefix}/step`,
    node: inner.nodes,
    input: [
      value(state, units),
      ...(hasCell ? [value(cell, units)] : []),
      ...parts.map((part) => value(part, gates * units, 1)),
      ...(flag === '' ? [] : [makeValueInfo(flag, byGate ? 'float32' : 'bool', [directions, 'batch', 1])]),
    ],
    output: [
      value(carried, units),
      ...(hasCell ? [value(next.cell, units)] : []),
      ...answers.map((answer) => value(answer, units, 1)),
    ],
  });

  const ways = reversed.map((backwards) => (backwards ? 1 : 0));
  const [y = '', ...ends] = node.output;
  // What the node gave keeps its name, so that both models can be asked for it: the last node that makes it writes to it.
  const last = ['last_state', ...(hasCell ? ['last_cell'] : [])].map((what, index) =>
    batchFirst ? writer.name(what) : ends[index] || writer.name(what),
  );
  const direct = directions === 1 && mask === null && !batchFirst && y !== '';
  const states = direct ? [y] : reversed.map(() => writer.name('states'));
  writer.nodes.push(
    makeNode(
      'Scan',
      [...given.map((name) => name || zeros), ...projected, ...(mask === null ? [] : [mask.scanned])],
      [...last, ...states],
      {
        name: writer.names.node(`${writer.prefix}/Scan`),
        attributes: {
          body: { graph: body },
          num_scan_inputs: directions + (mask === null ? 0 : 1),
          // The mask is stored in the order in which the directions read it.
          scan_input_directions: [...ways, ...(mask === null ? [] : [0])],
          scan_output_directions: ways,
        },
      },
    ),
  );
  if (y !== '' && !direct) {
    const joinedName = mask === null && !batchFirst ? y : writer.name('Concat');
    const joined = directions === 1 ? (states[0] ?? '') : writer.addTo(joinedName, 'Concat', states, { axis: 1 });
    // Padding answers zero, whatever state is held through it.
    const maskedName = batchFirst ? writer.name('Mul') : y;
    const masked = mask === null ? joined : writer.addTo(maskedName, 'Mul', [joined, mask.ones]);
    if (batchFirst) writer.addTo(y, 'Transpose', [masked], { perm: [2, 0, 1, 3] });
  }
  if (!batchFirst) return;
  for (const [index, end] of ends.entries()) {
    if (end !== '') writer.addTo(end, 'Transpose', [last[index] ?? ''], { perm: [1, 0, 2] });
  }
}

/** What is known of the padding: ones for speech [T, 1, N, 1], and what the steps read [T, directions, N, 1]. */
interface Mask {
  readonly ones: string;
  readonly scanned: string;
}

function writeMask(writer: NodeWriter, x: string, { lengths, reversed }: RecurrentNode, byGate: boolean): Mask {
  const shape = writer.add('Shape', [x]);
  const steps = writer.add('Gather', [shape, writer.integer(0)], { axis: 0 });
  const positions = writer.add('Range', [writer.integer(0), steps, writer.integer(1)]);
  const wide = writer.add('Cast', [lengths], { to: DTYPE_CODE.int64 });
  const within = writer.add('Less', [writer.unsqueeze(positions, [1]), wide]);
  const inside = writer.unsqueeze(within, [1, 3]);
  const ones = writer.add('Cast', [inside], { to: DTYPE_CODE.float32 });
  const forward = byGate ? writer.add('Sub', [writer.float(1), ones]) : inside;
  // Slice takes "from the last to before the first, backwards" as −1 to the smallest number by −1.
  const backward = (): string =>
    writer.add('Slice', [
      forward,
      writer.integers([-1]),
      writer.integers([-(2 ** 31)]),
      writer.integers([0]),
      writer.integers([-1]),
    ]);
  const ways = reversed.map((backwards) => (backwards ? backward() : forward));
  return { ones, scanned: ways.length === 1 ? (ways[0] ?? '') : writer.add('Concat', ways, { axis: 1 }) };
}

/** Zeros of the shape [directions, N, units]. */
function writeZeros(writer: NodeWriter, x: string, { units, reversed }: RecurrentNode): string {
  const shape = writer.add('Shape', [x]);
  const batch = writer.add('Gather', [shape, writer.integers([1])], { axis: 0 });
  const size = writer.add('Concat', [writer.integers([reversed.length]), batch, writer.integers([units])], { axis: 0 });
  return writer.add('ConstantOfShape', [size]);
}
