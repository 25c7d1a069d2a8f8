import type { NodeProto } from 'onnx-buf';
import { copyMessage } from '../../onnx/graph/copy.js';
import { floatAttribute, intAttribute, isOp, makeNode } from '../../onnx/graph/node.js';
import { transposeMatrices } from '../../onnx/graph/transpose.js';
import { DTYPE_CODE, type Dtype } from '../../onnx/tensor/dtype.js';
import { encodeFloat16 } from '../../onnx/tensor/halfFloat.js';
import { makeTensor, shapeOf, tensorDtype } from '../../onnx/tensor/tensor.js';
import { addNodes, castFrom } from '../rewrite/addNodes.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import type { Constant, QuantizedNames, Scope } from '../rewrite/scope.js';
import { castToFloat32, type DynamicContext, quantizeActivation } from './dynamicContext.js';
import { constantWeight, quantizeWeight, quantizeWhole } from './dynamicWeights.js';

/**
 * Rewrites a `MatMul` with a constant right-hand side: activation to uint8 at run time, product in integers, scaled
 * back to float. The runtime fuses the five nodes into one.
 */
export function rewriteMatMul(node: NodeProto, scope: Scope, context: DynamicContext): void {
  const [left = '', right = ''] = node.input;
  const weight = constantWeight(scope, right, 'right-hand side');
  const quantized = quantizeShared(node, weight, false, scope, context) ?? quantizeMatrix(node, weight, false, context);
  addProduct(left, quantized, tensorDtype(weight.tensor), node.name, node.output[0] ?? '', scope, context);
}

/**
 * Rewrites a `Gemm` to the integer product of {@link rewriteMatMul} and an `Add`. `alpha` goes into the weight, `beta`
 * into the bias, `transA` becomes a transpose: ONNX Runtime's tool leaves such nodes in float.
 */
export function rewriteGemm(node: NodeProto, scope: Scope, context: DynamicContext): void {
  const [left = '', right = '', bias = ''] = node.input;
  const output = node.output[0] ?? '';
  const weight = constantWeight(scope, right, 'right-hand side');
  const alpha = floatAttribute(node, 'alpha', 1);
  const transposed = intAttribute(node, 'transB', 0) !== 0;
  const once = alpha === 1 ? quantizeShared(node, weight, transposed, scope, context) : undefined;
  const quantized = once ?? quantizeMatrix(node, weight, transposed, context, alpha);
  const dtype = tensorDtype(weight.tensor);
  const name = node.name === '' ? '' : `${node.name}_MatMul`;
  let activation = left;
  if (intAttribute(node, 'transA', 0) !== 0) {
    activation = context.names.value(`${output}_left`);
    scope.made.add(activation);
    addNodes(context, scope, makeNode('Transpose', [left], [activation], { attributes: { perm: [1, 0] } }));
  }
  const beta = floatAttribute(node, 'beta', 1);
  if (bias === '' || beta === 0) {
    addProduct(activation, quantized, dtype, name, output, scope, context);
    return;
  }
  const product = context.names.value(`${output}_MatMul`);
  addProduct(activation, quantized, dtype, name, product, scope, context);
  const addend = beta === 1 ? bias : scaledBias(bias, beta, dtype, scope, context);
  const addName = context.names.node(node.name === '' ? '' : `${node.name}_Add`);
  addNodes(context, scope, makeNode('Add', [product, addend], [output], { name: addName }));
}

function scaledBias(bias: string, beta: number, dtype: Dtype, scope: Scope, context: DynamicContext): string {
  const factor = context.names.value(`${bias}_beta`);
  const scaled = context.names.value(`${bias}_scaled`);
  const value = Float32Array.of(beta);
  const data = dtype === 'float16' ? encodeFloat16(value) : dtype === 'float64' ? Float64Array.from(value) : value;
  scope.added.push(makeTensor(factor, dtype, [], data));
  addNodes(context, scope, makeNode('Mul', [bias, factor], [scaled]));
  return scaled;
}

/**
 * Quantizes a matrix that others read otherwise, as it is stored and with one scale, and turns the integers where the
 * product needs it; `undefined` for a weight that is not shared so. The runtime turns them when it loads the model.
 */
function quantizeShared(
  node: NodeProto,
  weight: Constant,
  transposed: boolean,
  scope: Scope,
  context: DynamicContext,
): QuantizedNames | undefined {
  const once = scope.shared?.storedOnce(weight.name);
  const stored = once && scope.constantOf(once.name);
  if (once === undefined || stored === undefined || shapeOf(stored.tensor).length !== 2) return undefined;
  const { weightType, reduceRange } = context.settings;
  const names = quantizeWhole(context, stored, node, weightType, reduceRange);
  if (once.turned === transposed) return names;
  const { owner } = stored;
  const known = owner.weights.get(`${stored.name} turned`);
  if (known !== undefined) return known;
  const turnedName = context.names.value(`${names.quantized}_turned`);
  owner.made.add(turnedName);
  addNodes(context, owner, makeNode('Transpose', [names.quantized], [turnedName], { attributes: { perm: [1, 0] } }));
  const made = { ...names, quantized: turnedName };
  owner.weights.set(`${stored.name} turned`, made);
  return made;
}

/** Quantizes a matrix [K, N] (or a stack of them), or, transposed, one [N, K] that is turned first. */
function quantizeMatrix(
  node: NodeProto,
  weight: Constant,
  transposed: boolean,
  context: DynamicContext,
  alpha = 1,
): QuantizedNames {
  const shape = shapeOf(weight.tensor);
  const { weightType: type, reduceRange, perChannel: wanted } = context.settings;
  const last = shape.length - 1;
  // A vector has one output: there is nothing to tell apart.
  const perChannel = wanted && last > 0;
  if (!perChannel && !transposed && alpha === 1) return quantizeWhole(context, weight, node, type, reduceRange);
  const count = shape.reduce((product, dim) => product * dim, 1);
  if (count === 0) throw new LeftInFloat('form', 'its weight is empty');
  const [rows = 1, columns = 1] = transposed ? [shape[1], shape[0]] : [shape[last - 1], shape[last]];
  const groups = count / (rows * columns);
  return quantizeWeight(context, weight, node, `matrix ${transposed} ${perChannel} ${alpha}`, {
    layout: perChannel
      ? { groups, outer: rows, channels: columns, inner: 1 }
      : { groups: 1, outer: 1, channels: 1, inner: count },
    granularity: perChannel ? 'channel' : 'tensor',
    type,
    reduceRange,
    // The runtime takes a row of scales for each matrix of a stack, not one row for all as its own tool writes.
    paramShape: perChannel ? (last === 1 ? [columns] : shape.with(last - 1, 1)) : [],
    storedShape: transposed ? [rows, columns] : shape,
    before: (values) => {
      const scaled = alpha === 1 ? values : values.map((value) => value * alpha);
      return transposed ? turned(scaled, columns, rows) : scaled;
    },
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
  dtype: Dtype,
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
  addNodes(
    context,
    scope,
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
  if (wide) scope.products.add(output);
  else addNodes(context, scope, castFrom(product, output, dtype));
}

/**
 * The runtime takes an `Add` into the product before it only where the constant is the second input: exporters write
 * it first.
 */
export function withConstantSecond(node: NodeProto, scope: Scope): NodeProto {
  const [first = '', second = ''] = node.input;
  const swapped = isOp(node, 'Add') && scope.products.has(second) && scope.constantOf(first) !== undefined;
  return swapped ? copyMessage(node, { input: [second, first] }) : node;
}
