import type { NodeProto } from 'onnx-buf';
import { attributeOf, makeNode } from '../../onnx/graph/node.js';
import { MICROSOFT_DOMAIN } from '../../onnx/model.js';
import { shapeOf, tensorDtype } from '../../onnx/tensor/tensor.js';
import { addNodes } from '../rewrite/addNodes.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import type { QuantizedNames, Scope } from '../rewrite/scope.js';
import { type DynamicContext, quantizeActivation } from './dynamicContext.js';
import { constantWeight, quantizeWeight, quantizeWhole } from './dynamicWeights.js';

/** Rewrites ONNX Runtime's `Attention` to `QAttention`. */
export function rewriteAttention(node: NodeProto, scope: Scope, context: DynamicContext): void {
  const [input = '', matrix = '', bias = '', mask = '', past = ''] = node.input;
  if (attributeOf(node, 'qkv_hidden_sizes') !== undefined) {
    throw new LeftInFloat('form', 'its query, key and value differ in size, which QAttention does not know');
  }
  if (node.input.slice(5).some((name) => name !== '')) {
    throw new LeftInFloat('form', 'it has inputs that QAttention does not know');
  }
  const weight = constantWeight(scope, matrix, 'weight');
  if (tensorDtype(weight.tensor) !== 'float32') throw new LeftInFloat('type', 'its weight is not float32');
  const shape = shapeOf(weight.tensor);
  const [rows = 1, columns = 1] = shape;
  const { perChannel, weightType: type, reduceRange } = context.settings;
  const quantized =
    perChannel && shape.length === 2
      ? quantizeWeight(context, weight, node, 'matrix false true 1', {
          layout: { groups: 1, outer: rows, channels: columns, inner: 1 },
          granularity: 'channel',
          type,
          reduceRange,
          paramShape: [columns],
          storedShape: shape,
        })
      : quantizeWhole(context, weight, node, type, reduceRange);
  const activation = quantizeActivation(context, scope, input);
  const inputs = [
    ...[activation.quantized, quantized.quantized, bias, activation.scale, quantized.scale],
    ...[mask, activation.zeroPoint, quantized.zeroPoint, past],
  ];
  addFused('QAttention', node, inputs, scope, context);
}

/** Rewrites ONNX Runtime's `EmbedLayerNormalization` to `QEmbedLayerNormalization`: tables, gain and offset uint8. */
export function rewriteEmbedding(node: NodeProto, scope: Scope, context: DynamicContext): void {
  if (node.output.length > 2) throw new LeftInFloat('form', 'it has a third output, which the quantized form does not');
  if ((node.input[8] ?? '') !== '')
    throw new LeftInFloat('form', 'it is given positions, which the quantized form is not');
  const constants = [2, 3, 4, 5, 6].map((place) => {
    const name = node.input[place] ?? '';
    return name === '' ? undefined : constantWeight(scope, name, `input ${place}`);
  });
  if (constants.some((one) => one !== undefined && tensorDtype(one.tensor) !== 'float32')) {
    throw new LeftInFloat('type', 'its tables are not float32');
  }
  const tables = constants.map((one): QuantizedNames | undefined =>
    one === undefined ? undefined : quantizeWhole(context, one, node, 'uint8', false),
  );
  const inputs = [
    ...[node.input[0] ?? '', node.input[1] ?? ''],
    ...tables.map((table) => table?.quantized ?? ''),
    node.input[7] ?? '',
    ...tables.map((table) => table?.scale ?? ''),
    ...tables.map((table) => table?.zeroPoint ?? ''),
  ];
  addFused('QEmbedLayerNormalization', node, inputs, scope, context);
}

function addFused(
  opType: string,
  node: NodeProto,
  inputs: readonly string[],
  scope: Scope,
  context: DynamicContext,
): void {
  const name = context.names.node(node.name === '' ? '' : `${node.name}_quant`);
  addNodes(
    context,
    scope,
    makeNode(opType, inputs, node.output, { name, domain: MICROSOFT_DOMAIN, inherited: node.attribute }),
  );
}
