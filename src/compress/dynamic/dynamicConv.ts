import type { NodeProto } from 'onnx-buf';
import { makeNode } from '../../onnx/graph/node.js';
import { DTYPE_CODE } from '../../onnx/tensor/dtype.js';
import { makeTensor, shapeOf, tensorDtype } from '../../onnx/tensor/tensor.js';
import { addNodes, castFrom } from '../rewrite/addNodes.js';
import type { Scope } from '../rewrite/scope.js';
import { castToFloat32, type DynamicContext, quantizeActivation } from './dynamicContext.js';
import { constantWeight, quantizeWhole } from './dynamicWeights.js';

/**
 * Rewrites a `Conv` to `ConvInteger`, its weight quantized as a whole. The runtime has no fast form of it: several
 * times slower than float, so only for who wants the smaller file.
 */
export function rewriteConv(node: NodeProto, scope: Scope, context: DynamicContext): void {
  const [input = '', filter = '', bias = ''] = node.input;
  const output = node.output[0] ?? '';
  const weight = constantWeight(scope, filter, 'filter');
  const { weightType, reduceRange } = context.settings;
  const quantized = quantizeWhole(context, weight, node, weightType, reduceRange);
  const dtype = tensorDtype(weight.tensor);
  const wide = dtype === 'float32';
  const activation = quantizeActivation(context, scope, wide ? input : castToFloat32(context, scope, input));
  const { names } = context;
  const name = names.node(node.name === '' ? '' : `${node.name}_quant`);
  const integer = names.value(`${output}_output_quantized`);
  const float = names.value(`${integer}_cast_output`);
  const scalesName = names.node(name === '' ? `${activation.scale}_${quantized.scale}_mul` : `${name}_scales_mul`);
  const scales = names.value(`${scalesName}:0`);
  const scaled = bias === '' && wide ? output : names.value(`${output}quant_scaled_output`);
  addNodes(
    context,
    scope,
    makeNode(
      'ConvInteger',
      [activation.quantized, quantized.quantized, activation.zeroPoint, quantized.zeroPoint],
      [integer],
      { name, inherited: node.attribute },
    ),
    makeNode('Cast', [integer], [float], {
      name: names.node(`${integer}_cast`),
      attributes: { to: DTYPE_CODE.float32 },
    }),
    makeNode('Mul', [activation.scale, quantized.scale], [scales], { name: scalesName }),
    makeNode('Mul', [float, scales], [scaled], { name: names.node(name === '' ? '' : `${name}_output_scale_mul`) }),
  );
  const typed = wide || bias === '' ? scaled : names.value(`${output}_without_bias`);
  if (!wide) addNodes(context, scope, castFrom(scaled, bias === '' ? output : typed, dtype));
  if (bias === '') return;
  const rank = shapeOf(weight.tensor).length;
  const shapeName = names.value(`${output}_bias_reshape_shape`);
  const reshaped = names.value(`${output}_bias_reshape_output`);
  const shape = BigInt64Array.from({ length: rank }, (_, axis) => (axis === 1 ? -1n : 1n));
  scope.added.push(makeTensor(shapeName, 'int64', [rank], shape));
  addNodes(
    context,
    scope,
    makeNode('Reshape', [bias, shapeName], [reshaped]),
    makeNode('Add', [typed, reshaped], [output], { name: names.node(`${output}_bias_add`) }),
  );
}
