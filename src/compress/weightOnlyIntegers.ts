import type { NodeProto } from 'onnx-buf';
import { copyMessage } from '../onnx/copy.js';
import { intAttribute, makeNode } from '../onnx/node.js';
import { makeTensor, shapeOf, tensorFloats } from '../onnx/tensor.js';
import { LeftInFloat } from './dynamicContext.js';
import { type ChannelLayout, type QuantizedValues, quantizeValues } from './params.js';
import { compressedWeight, constantFloats, type Rewriting } from './rewrite.js';
import type { Constant, Scope } from './scope.js';
import type { WeightOnlyOpType } from './weightOnlyOptions.js';

/** Inputs that hold the weights. */
function weightInputs(opType: WeightOnlyOpType): readonly number[] {
  if (opType === 'Gather') return [0];
  return opType === 'LSTM' || opType === 'GRU' || opType === 'RNN' ? [1, 2] : [1];
}

/** Channels of a weight: the axis that a scale belongs to, and the shape in which that is one axis. */
function channelsOf(node: NodeProto, opType: WeightOnlyOpType, shape: readonly number[]): [readonly number[], number] {
  const [first = 1, second = 1, ...rest] = shape;
  switch (opType) {
    case 'LSTM':
    case 'GRU':
    case 'RNN':
      // Directions and gates side by side: `DequantizeLinear` has scales along one axis alone.
      return [[first * second, ...rest], 0];
    case 'Gemm':
      return [shape, intAttribute(node, 'transB', 0) === 0 ? 1 : 0];
    case 'MatMul':
      return [shape, shape.length - 1];
    default:
      return [shape, 0];
  }
}

/**
 * Stores the weights of a node as int8 and puts a `DequantizeLinear` before it.
 *
 * @param perAxis - a scale for each output channel
 */
export function storeIntegers(
  node: NodeProto,
  opType: WeightOnlyOpType,
  perAxis: boolean,
  scope: Scope,
  rewriting: Rewriting,
): void {
  // A Gather that picks from a shape or an activation has no weight to speak of.
  if (opType === 'Gather' && scope.constantOf(node.input[0] ?? '') === undefined) {
    throw new LeftInFloat('it picks from a value that is computed at run time', false);
  }
  const weights = weightInputs(opType).map((place) => ({ place, weight: constantFloats(scope, node.input[place]) }));
  const input = [...node.input];
  for (const { place, weight } of weights) input[place] = dequantized(node, opType, weight, perAxis, rewriting);
  scope.nodes.push(copyMessage(node, { input }));
}

/** The name of a weight that is stored as integers; one for all nodes that read it in the same way. */
function dequantized(
  node: NodeProto,
  opType: WeightOnlyOpType,
  weight: Constant,
  perAxis: boolean,
  rewriting: Rewriting,
): string {
  const shape = shapeOf(weight.tensor);
  const [storedShape, axis] = channelsOf(node, opType, shape);
  const channels = perAxis && shape.length > 1;
  const manner = channels ? `QDQ ${storedShape.join(' ')} ${axis}` : 'QDQ';
  const known = weight.owner.weights.get(`${weight.name} ${manner}`);
  if (known !== undefined) return known.quantized;
  const product = (dims: readonly number[]): number => dims.reduce((count, dim) => count * dim, 1);
  const layout: ChannelLayout = channels
    ? {
        groups: 1,
        outer: product(storedShape.slice(0, axis)),
        channels: storedShape[axis] ?? 1,
        inner: product(storedShape.slice(axis + 1)),
      }
    : { groups: 1, outer: 1, channels: 1, inner: product(shape) };
  const quantized = quantized8(weight, layout);
  const names = rewriting.names;
  const [stored, scale, zeroPoint] = ['quantized', 'scale', 'zero_point'].map((end) =>
    names.value(`${weight.name}_${end}`),
  );
  const paramShape = channels ? [layout.channels] : [];
  const made = [
    makeTensor(stored ?? '', 'int8', channels ? storedShape : shape, quantized.values),
    makeTensor(scale ?? '', 'float32', paramShape, quantized.scales),
    makeTensor(zeroPoint ?? '', 'int8', paramShape, quantized.zeroPoints),
  ];
  const { owner } = weight;
  owner.added.push(...made);
  rewriting.params.add(scale ?? '');
  let output = names.value(`${weight.name}_dequantized`);
  owner.nodes.push(
    makeNode('DequantizeLinear', [stored ?? '', scale ?? '', zeroPoint ?? ''], [output], {
      name: names.node(`${weight.name}_DequantizeLinear`),
      ...(channels ? { attributes: { axis } } : {}),
    }),
  );
  if (channels && storedShape.length !== shape.length) {
    const shapeName = names.value(`${weight.name}_shape`);
    owner.added.push(makeTensor(shapeName, 'int64', [shape.length], BigInt64Array.from(shape, BigInt)));
    const flat = output;
    output = names.value(`${weight.name}_reshaped`);
    owner.nodes.push(makeNode('Reshape', [flat, shapeName], [output], { name: names.node(`${weight.name}_Reshape`) }));
  }
  owner.weights.set(`${weight.name} ${manner}`, { quantized: output, scale: scale ?? '', zeroPoint: zeroPoint ?? '' });
  rewriting.compressed.push(
    compressedWeight(weight, node, made, channels ? 'channel' : 'tensor', quantized.signalToErrorDb),
  );
  return output;
}

function quantized8(weight: Constant, layout: ChannelLayout): QuantizedValues {
  try {
    return quantizeValues(tensorFloats(weight.tensor), layout, { type: 'int8', reduceRange: false });
  } catch (error) {
    throw new LeftInFloat(`its weight ${weight.name}: ${(error as Error).message}`, true, { cause: error });
  }
}
