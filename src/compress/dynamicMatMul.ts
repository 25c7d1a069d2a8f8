import type { NodeProto } from 'onnx-buf';
import { DTYPE_CODE } from '../onnx/dtype.js';
import { floatAttribute, intAttribute, makeNode } from '../onnx/node.js';
import { shapeOf, tensorDtype } from '../onnx/tensor.js';
import { transposeMatrices } from '../onnx/transpose.js';
import {
  castToFloat32,
  constantWeight,
  type DynamicContext,
  LeftInFloat,
  quantizeActivation,
  quantizeWeight,
} from './dynamicContext.js';
import type { Constant, QuantizedNames, Scope } from './scope.js';

/**
 * Rewrites a `MatMul` with a constant right-hand side: activation to uint8 at run time, product in integers, scaled
 * back to float. The runtime fuses the five nodes into one.
 */
export function rewriteMatMul(node: NodeProto, scope: Scope, context: DynamicContext): void {
  const [left = '', right = ''] = node.input;
  const weight = constantWeight(scope, right, 'right-hand side');
  const quantized = quantizeMatrix(node, weight, false, context);
  addProduct(left, quantized, tensorDtype(weight.tensor), node.name, node.output[0] ?? '', scope, context);
}

/** Rewrites a `Gemm` to the integer product of {@link rewriteMatMul} and an `Add`. */
export function rewriteGemm(node: NodeProto, scope: Scope, context: DynamicContext): void {
  const [left = '', right = '', bias = ''] = node.input;
  const output = node.output[0] ?? '';
  if (floatAttribute(node, 'alpha', 1) !== 1 || (bias !== '' && floatAttribute(node, 'beta', 1) !== 1)) {
    throw new LeftInFloat('its alpha or beta is not 1');
  }
  if (intAttribute(node, 'transA', 0) !== 0) throw new LeftInFloat('its left-hand side is transposed');
  const weight = constantWeight(scope, right, 'right-hand side');
  const transposed = intAttribute(node, 'transB', 0) !== 0;
  const quantized = quantizeMatrix(node, weight, transposed, context);
  const dtype = tensorDtype(weight.tensor);
  const name = node.name === '' ? '' : `${node.name}_MatMul`;
  if (bias === '') {
    addProduct(left, quantized, dtype, name, output, scope, context);
    return;
  }
  const product = context.names.value(`${output}_MatMul`);
  addProduct(left, quantized, dtype, name, product, scope, context);
  const addName = context.names.node(node.name === '' ? '' : `${node.name}_Add`);
  scope.nodes.push(makeNode('Add', [product, bias], [output], { name: addName }));
}

/** Quantizes a matrix [K, N] (or a stack of them), or, transposed, one [N, K] that is turned first. */
function quantizeMatrix(
  node: NodeProto,
  weight: Constant,
  transposed: boolean,
  context: DynamicContext,
): QuantizedNames {
  const shape = shapeOf(weight.tensor);
  const count = shape.reduce((product, dim) => product * dim, 1);
  if (count === 0) throw new LeftInFloat('its weight is empty');
  const { weightType: type, reduceRange } = context.settings;
  const last = shape.length - 1;
  const [rows = 1, columns = 1] = transposed ? [shape[1], shape[0]] : [last === 0 ? 1 : shape[last - 1], shape[last]];
  // A vector has one output: there is nothing to tell apart.
  const perChannel = context.settings.perChannel && last > 0;
  const groups = count / (rows * columns);
  return quantizeWeight(context, weight, node, `matrix ${transposed} ${perChannel}`, {
    layout: perChannel
      ? { groups, outer: rows, channels: columns, inner: 1 }
      : { groups: 1, outer: 1, channels: 1, inner: count },
    granularity: perChannel ? 'channel' : 'tensor',
    type,
    reduceRange,
    // The runtime takes a row of scales for each matrix of a stack, not one row for all as its own tool writes.
    paramShape: perChannel ? (last === 1 ? [columns] : shape.with(last - 1, 1)) : [],
    storedShape: transposed ? [rows, columns] : shape,
    ...(transposed ? { before: (values: Float32Array) => turned(values, columns, rows) } : {}),
  });
}

function turned(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length);
  transposeMatrices(values, result, 1, rows, columns);
  return result;
}

/** Adds the nodes of one product, named as ONNX Runtime's tool names them. */
function addProduct(
  left: string,
  weight: QuantizedNames,
  dtype: string,
  name: string,
  output: string,
  scope: Scope,
  context: DynamicContext,
): void {
  const { names } = context;
  const wide = dtype === 'float32';
  const activation = quantizeActivation(context, scope, wide ? left : castToFloat32(context, scope, left));
  const integerName = names.node(name === '' ? '' : `${name}_quant`);
  const integer = names.value(`${output}_output_quantized`);
  const float = names.value(`${integer}_cast_output`);
  const scalesName = names.node(
    integerName === '' ? `${activation.scale}_${weight.scale}_mul` : `${integerName}_scales_mul`,
  );
  const scales = names.value(`${scalesName}:0`);
  const product = wide ? output : names.value(`${output}_float32`);
  scope.nodes.push(
    makeNode(
      'MatMulInteger',
      [activation.quantized, weight.quantized, activation.zeroPoint, weight.zeroPoint],
      [integer],
      { name: integerName },
    ),
    makeNode('Cast', [integer], [float], {
      name: names.node(`${integer}_cast`),
      attributes: { to: DTYPE_CODE.float32 },
    }),
    makeNode('Mul', [activation.scale, weight.scale], [scales], { name: scalesName }),
    makeNode('Mul', [float, scales], [product], {
      name: names.node(integerName === '' ? '' : `${integerName}_output_scale_mul`),
    }),
  );
  if (!wide) {
    const to = dtype === 'float16' ? DTYPE_CODE.float16 : DTYPE_CODE.float64;
    scope.nodes.push(makeNode('Cast', [product], [output], { attributes: { to } }));
  }
}
