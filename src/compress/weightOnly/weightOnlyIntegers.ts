import type { NodeProto } from 'onnx-buf';
import { copyMessage } from '../../onnx/graph/copy.js';
import { intAttribute, makeNode } from '../../onnx/graph/node.js';
import { DTYPE_CODE } from '../../onnx/tensor/dtype.js';
import { makeTensor, shapeOf, tensorFloats } from '../../onnx/tensor/tensor.js';
import { weightInputs } from '../pass.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import { type ChannelLayout, type QuantizedValues, quantizeValues } from '../rewrite/params.js';
import { compressedWeight, constantFloats, type Rewriting } from '../rewrite/rewrite.js';
import type { Constant, Scope } from '../rewrite/scope.js';
import type { StoredOnce } from '../rewrite/sharedWeights.js';
import type { WeightOnlyOpType } from './weightOnlyOptions.js';

/** The axes of a weight along which each place has a scale of its own: those of its output channels. */
function channelAxes(node: NodeProto, opType: WeightOnlyOpType, rank: number): readonly number[] {
  switch (opType) {
    case 'LSTM':
    case 'GRU':
    case 'RNN':
      // Directions and gates.
      return [0, 1];
    case 'Gemm':
      return [intAttribute(node, 'transB', 0) === 0 ? 1 : 0];
    case 'MatMul':
      return [rank - 1];
    default:
      return [0];
  }
}

/**
 * Stores the weights of a node as int8 and brings them back to float by a `Cast` and a `Mul` before it. Not by a
 * `DequantizeLinear`: ONNX Runtime joins that with the product after it to an operator that rounds the activations, too.
 *
 * @param perChannel - a scale for each output channel
 */
export function storeIntegers(
  node: NodeProto,
  opType: WeightOnlyOpType,
  perChannel: boolean,
  scope: Scope,
  rewriting: Rewriting,
): void {
  // A Gather that picks from a shape or an activation has no weight to speak of.
  if (opType === 'Gather' && scope.constantOf(node.input[0] ?? '') === undefined) {
    throw new LeftInFloat('no-weight', 'it picks from a value that is computed at run time');
  }
  const weights = (opType === 'Gather' ? [0] : weightInputs(opType)).map((place) => {
    const weight = constantFloats(scope, node.input[place]);
    const once = scope.shared?.storedOnce(weight.name);
    const stored = once && scope.constantOf(once.name);
    return stored === undefined ? { place, weight, once } : { place, weight: stored, once };
  });
  // All are looked at before the first is changed.
  const integers = weights.map(({ place, weight, once }) => ({
    place,
    weight,
    turned: once?.turned === true,
    stored: storedBefore(node, opType, weight, perChannel, once) ?? quantized8(node, opType, weight, perChannel, once),
  }));
  const input = [...node.input];
  for (const { place, stored, turned, weight } of integers) {
    const floats = typeof stored === 'string' ? stored : addFloats(node, stored, rewriting);
    input[place] = turned ? turnedFloats(floats, weight.owner, rewriting) : floats;
  }
  scope.nodes.push(copyMessage(node, { input }));
}

/** A weight as integers, and the shape of its scales, which spread over it by ONNX's broadcasting. */
interface StoredWeight {
  readonly weight: Constant;
  readonly manner: string;
  readonly quantized: QuantizedValues;
  readonly scaleShape: readonly number[];
}

function layoutOf(
  node: NodeProto,
  opType: WeightOnlyOpType,
  weight: Constant,
  perChannel: boolean,
  once: StoredOnce | undefined,
): { readonly layout: ChannelLayout; readonly scaleShape: readonly number[]; readonly manner: string } {
  const shape = shapeOf(weight.tensor);
  const product = (dims: readonly number[]): number => dims.reduce((count, dim) => count * dim, 1);
  if (!perChannel || shape.length < 2) {
    return { layout: { groups: 1, outer: 1, channels: 1, inner: product(shape) }, scaleShape: [], manner: 'integers' };
  }
  const read = channelAxes(node, opType, shape.length);
  const axes = once?.turned === true ? read.map((axis) => 1 - axis) : read;
  const [first = 0, last = first] = [axes[0], axes.at(-1)];
  const layout = {
    groups: 1,
    outer: product(shape.slice(0, first)),
    channels: product(shape.slice(first, last + 1)),
    inner: product(shape.slice(last + 1)),
  };
  const scaleShape = shape.map((dim, axis) => (axes.includes(axis) ? dim : 1));
  return { layout, scaleShape, manner: `integers ${axes.join()}` };
}

/** The name of a weight that another node has already made float again in the same way. */
function storedBefore(
  node: NodeProto,
  opType: WeightOnlyOpType,
  weight: Constant,
  perChannel: boolean,
  once: StoredOnce | undefined,
): string | undefined {
  const { manner } = layoutOf(node, opType, weight, perChannel, once);
  const key = once === undefined ? manner : 'once';
  return weight.owner.weights.get(`${weight.name} ${key}`)?.quantized;
}

function quantized8(
  node: NodeProto,
  opType: WeightOnlyOpType,
  weight: Constant,
  perChannel: boolean,
  once: StoredOnce | undefined,
): StoredWeight {
  const { layout, scaleShape, manner } = layoutOf(node, opType, weight, perChannel, once);
  try {
    const quantized = quantizeValues(tensorFloats(weight.tensor), layout, { type: 'int8', reduceRange: false });
    return { weight, manner, quantized, scaleShape };
  } catch (error) {
    throw new LeftInFloat('values', `its weight ${weight.name}: ${(error as Error).message}`, { cause: error });
  }
}

/** Adds the integers and what makes floats of them; returns the name of the floats. */
function addFloats(
  node: NodeProto,
  { weight, manner, quantized, scaleShape }: StoredWeight,
  { names, params, compressed }: Rewriting,
): string {
  const { owner, name } = weight;
  const key = `${name} ${manner}`;
  const known = owner.weights.get(key);
  if (known !== undefined) return known.quantized;
  const [stored, scale] = [names.value(`${name}_quantized`), names.value(`${name}_scale`)];
  const [whole, output] = [names.value(`${name}_integers`), names.value(`${name}_dequantized`)];
  const made = [
    makeTensor(stored, 'int8', shapeOf(weight.tensor), quantized.values),
    makeTensor(scale, 'float32', scaleShape, quantized.scales),
  ];
  owner.added.push(...made);
  params.add(scale);
  owner.nodes.push(
    makeNode('Cast', [stored], [whole], {
      name: names.node(`${name}_Cast`),
      attributes: { to: DTYPE_CODE.float32 },
    }),
    makeNode('Mul', [whole, scale], [output], { name: names.node(`${name}_Mul`) }),
  );
  // Symmetric: there is no zero point.
  for (const one of [key, `${name} once`]) owner.weights.set(one, { quantized: output, scale, zeroPoint: '' });
  const granularity = scaleShape.length === 0 ? 'tensor' : 'channel';
  const report = compressedWeight(weight, node, made, granularity, quantized.signalToErrorDb);
  compressed.push({ stored, report });
  return output;
}

/** The name of the floats of a matrix the other way round; the runtime turns them when it loads the model. */
function turnedFloats(floats: string, owner: Scope, { names }: Rewriting): string {
  const known = owner.weights.get(`${floats} turned`);
  if (known !== undefined) return known.quantized;
  const turned = names.value(`${floats}_turned`);
  owner.nodes.push(makeNode('Transpose', [floats], [turned], { attributes: { perm: [1, 0] } }));
  owner.weights.set(`${floats} turned`, { quantized: turned, scale: '', zeroPoint: '' });
  return turned;
}
