import type { NodeProto } from 'onnx-buf';
import { intAttribute, makeNode } from '../../onnx/graph/node.js';
import { transposeMatrices } from '../../onnx/graph/transpose.js';
import { MICROSOFT_DOMAIN } from '../../onnx/model.js';
import { shapeOf, tensorDtype } from '../../onnx/tensor/tensor.js';
import { addNodes, castFrom } from '../rewrite/addNodes.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import type { Constant, QuantizedNames, Scope } from '../rewrite/scope.js';
import { castToFloat32, type DynamicContext } from './dynamicContext.js';
import { constantWeight, quantizeWeight } from './dynamicWeights.js';

/** Inputs of LSTM that hold float values besides X: bias, initial states and peepholes; 4 are the lengths. */
const FLOAT_INPUTS = [3, 5, 6, 7];

/** For each output of a batch-first LSTM, and each initial state, the order of axes that time-first needs. */
const BATCH_FIRST_OUTPUT = [
  [2, 0, 1, 3],
  [1, 0, 2],
  [1, 0, 2],
];

/**
 * Rewrites an `LSTM` to ONNX Runtime's `DynamicQuantizeLSTM`: weights int8, transposed; input and state quantized
 * inside. `layout` 1 (batch first), which that operator lacks, is kept by transposes around it.
 */
export function rewriteLstm(node: NodeProto, scope: Scope, context: DynamicContext): void {
  const input = constantWeight(scope, node.input[1], 'input weight W');
  const recurrent = constantWeight(scope, node.input[2], 'recurrent weight R');
  const w = quantizeGates(node, input, context);
  const r = quantizeGates(node, recurrent, context);
  const wide = tensorDtype(input.tensor) === 'float32';
  const batchFirst = intAttribute(node, 'layout', 0) === 1;
  const inputs = Array.from({ length: 8 }, (_, index) => node.input[index] ?? '');
  if (!wide) {
    for (const index of [0, ...FLOAT_INPUTS]) {
      const name = inputs[index] ?? '';
      if (name !== '') inputs[index] = castToFloat32(context, scope, name);
    }
  }
  if (batchFirst) {
    for (const index of [0, 5, 6]) inputs[index] = transposed(inputs[index] ?? '', [1, 0, 2], scope, context);
  }
  inputs[1] = w.quantized;
  inputs[2] = r.quantized;
  const outputs = node.output.map((name) =>
    name === '' || (wide && !batchFirst) ? name : context.names.value(`${name}_time_first`),
  );
  addNodes(
    context,
    scope,
    makeNode('DynamicQuantizeLSTM', [...inputs, w.scale, w.zeroPoint, r.scale, r.zeroPoint], outputs, {
      name: context.names.node(node.name === '' ? '' : `${node.name}_quant`),
      domain: MICROSOFT_DOMAIN,
      inherited: node.attribute.filter((attribute) => attribute.name !== 'layout'),
    }),
  );
  for (const [index, name] of node.output.entries()) {
    let made = outputs[index] ?? '';
    if (name === made || name === '') continue;
    if (batchFirst) {
      const target = wide ? name : context.names.value(`${name}_float32`);
      addNodes(
        context,
        scope,
        makeNode('Transpose', [made], [target], { attributes: { perm: BATCH_FIRST_OUTPUT[index] ?? [] } }),
      );
      made = target;
    }
    if (!wide) addNodes(context, scope, castFrom(made, name, tensorDtype(input.tensor)));
  }
}

function transposed(name: string, perm: readonly number[], scope: Scope, context: DynamicContext): string {
  if (name === '') return '';
  const output = context.names.value(`${name}_time_first`);
  addNodes(context, scope, makeNode('Transpose', [name], [output], { attributes: { perm } }));
  return output;
}

/** Quantizes W or R, [directions, 4·hidden, K], and stores it as [directions, K, 4·hidden]. */
function quantizeGates(node: NodeProto, weight: Constant, context: DynamicContext): QuantizedNames {
  const shape = shapeOf(weight.tensor);
  const [directions = 0, rows = 0, columns = 0] = shape;
  if (shape.length !== 3 || directions * rows * columns === 0) {
    throw new LeftInFloat('form', `its weight ${weight.name} has shape [${shape.join(', ')}], not three dimensions`);
  }
  const { perChannel, reduceRange } = context.settings;
  const channels = perChannel ? directions * rows : directions;
  return quantizeWeight(context, weight, node, `gates ${perChannel}`, {
    layout: { groups: 1, outer: 1, channels, inner: (directions * rows * columns) / channels },
    granularity: perChannel ? 'channel' : 'direction',
    type: 'int8',
    reduceRange,
    paramShape: perChannel ? [directions, rows] : [directions],
    storedShape: [directions, columns, rows],
    after: (values) => {
      const turned = new Uint8Array(values.length);
      transposeMatrices(
        new Uint8Array(values.buffer, values.byteOffset, values.length),
        turned,
        directions,
        rows,
        columns,
      );
      return new Int8Array(turned.buffer);
    },
  });
}
