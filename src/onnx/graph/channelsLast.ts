import type { NodeProto, TensorProto } from 'onnx-buf';
import { ownValue } from '../../ownValue.js';
import { bindLazy } from '../file/payload.js';
import { mainGraph, type OnnxModel } from '../model.js';
import { makeUnfilledTensor, shapeOf, tensorDtype, tensorFloats, tensorIntegers } from '../tensor/tensor.js';
import { copyMessage } from './copy.js';
import { consumersOf, producersOf } from './graph.js';
import { attributeOf, isOp, makeAttribute, nodeTitle } from './node.js';

/** What letting layers read channels last gave. */
export interface ChannelsLast {
  readonly model: OnnxModel;
  /** Titles of the layers whose weights were put in the other order. */
  readonly reordered: readonly string[];
}

/** The axis along which each layer's weight meets its input, by operator. */
const INPUT_AXIS: Readonly<Record<string, number>> = { MatMul: 0, LSTM: 2, GRU: 2, RNN: 2 };

/** Operators whose result has the shape of the larger of their inputs. */
const KEEP_SHAPE: ReadonlySet<string> = new Set(['Add', 'Mul', 'Relu', 'Clip', 'Gelu', 'Identity', 'Where']);

/**
 * Lets the layer after the convolutions read their output channels last, as the runtime's quantized convolutions write
 * it: where a picture [N, C, H, W] becomes steps of C · lines numbers, the numbers stand line by line instead, and the
 * columns of the layer's weight are put in that order. Answers stay the same to the rounding of sums.
 *
 * @param model - left as it is
 * @returns the model itself where there is no such place
 */
export function readChannelsLast(model: OnnxModel): ChannelsLast {
  const graph = mainGraph(model);
  const consumers = consumersOf(graph);
  const producers = producersOf(graph);
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const visible = new Set([...graph.input, ...graph.output].map(({ name }) => name));
  const changedNodes = new Map<NodeProto, NodeProto>();
  const changedTensors = new Map<string, TensorProto>();
  const reordered: string[] = [];

  for (const transpose of graph.node) {
    const perm = attributeOf(transpose, 'perm')?.ints.map(Number) ?? [];
    const [first = 0, second = 0, channel, line = 0] = perm;
    if (!isOp(transpose, 'Transpose') || perm.length !== 4 || channel !== 1) continue;
    const reshape = onlyReader(transpose);
    const channels = channelsOf(transpose.input[0] ?? '');
    if (reshape === undefined || channels === undefined || !joinsLastAxes(reshape)) continue;
    const layers = consumers.get(reshape.output[0] ?? '') ?? [];
    const weights = layers.map((layer) => weightOf(layer, reshape.output[0] ?? ''));
    if (layers.length === 0 || visible.has(reshape.output[0] ?? '')) continue;
    const known = weights.filter((weight) => weight !== undefined);
    const width = (weight: (typeof known)[number]): number => shapeOf(weight.tensor)[weight.axis] ?? 0;
    if (known.length < layers.length || known.some((weight) => width(weight) % channels !== 0)) continue;
    const attribute = transpose.attribute.map((one) =>
      one.name === 'perm' ? makeAttribute('perm', [first, second, line, 1]) : one,
    );
    changedNodes.set(transpose, copyMessage(transpose, { attribute }));
    for (const { tensor, axis } of known) changedTensors.set(tensor.name, linesFirst(tensor, axis, channels));
    reordered.push(...layers.map(nodeTitle));
  }
  if (reordered.length === 0) return { model, reordered };
  const node = graph.node.map((one) => changedNodes.get(one) ?? one);
  const initializer = graph.initializer.map((one) => changedTensors.get(one.name) ?? one);
  const proto = copyMessage(model.proto, { graph: copyMessage(graph, { node, initializer }) });
  return { model: { proto, path: model.path }, reordered };

  function onlyReader(node: NodeProto): NodeProto | undefined {
    const output = node.output[0] ?? '';
    const readers = consumers.get(output) ?? [];
    return readers.length === 1 && !visible.has(output) ? readers[0] : undefined;
  }

  /** Channels of a picture: the rows of the convolution that it comes from, through nodes that keep its shape. */
  function channelsOf(name: string): number | undefined {
    const seen = new Set<string>();
    const open = [name];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const node = producers.get(next);
      if (node === undefined || seen.has(next)) continue;
      seen.add(next);
      if (isOp(node, 'Conv')) {
        const channels = Number(initializers.get(node.input[1] ?? '')?.dims[0] ?? 0);
        // One channel may have been broadcast to more.
        return channels > 1 ? channels : undefined;
      }
      if (KEEP_SHAPE.has(node.opType)) open.push(...node.input);
    }
    return undefined;
  }

  /** Whether a `Reshape` keeps the first two axes and joins the others. */
  function joinsLastAxes(node: NodeProto): boolean {
    const shape = initializers.get(node.input[1] ?? '');
    return isOp(node, 'Reshape') && shape !== undefined && tensorIntegers(shape).join() === '0,0,-1';
  }

  /** The weight that a layer multiplies a value with, if it is a constant of its own. */
  function weightOf(layer: NodeProto, value: string): { tensor: TensorProto; axis: number } | undefined {
    const axis = layer.domain === '' || layer.domain === 'ai.onnx' ? ownValue(INPUT_AXIS, layer.opType) : undefined;
    const name = layer.input[1] ?? '';
    const tensor = initializers.get(name);
    if (axis === undefined || tensor === undefined || layer.input.indexOf(value, 1) > 0) return undefined;
    if (tensorDtype(tensor) !== 'float32' || tensor.dims.length !== axis + (axis === 0 ? 2 : 1)) return undefined;
    return consumers.get(name)?.length === 1 && !visible.has(name) ? { tensor, axis } : undefined;
  }
}

/** A weight whose inputs stood channel by channel, with its inputs line by line; made when it is asked for. */
function linesFirst(tensor: TensorProto, axis: number, channels: number): TensorProto {
  const shape = shapeOf(tensor);
  const width = shape[axis] ?? 0;
  const lines = width / channels;
  const inner = shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const turned = makeUnfilledTensor(tensor.name, 'float32', shape);
  bindLazy(turned, () => {
    const from = tensorFloats(tensor);
    const to = new Float32Array(from.length);
    for (let start = 0; start < from.length; start += width * inner) {
      for (let line = 0; line < lines; line++) {
        for (let channel = 0; channel < channels; channel++) {
          const source = start + (channel * lines + line) * inner;
          to.set(from.subarray(source, source + inner), start + (line * channels + channel) * inner);
        }
      }
    }
    return new Uint8Array(to.buffer);
  });
  return turned;
}
