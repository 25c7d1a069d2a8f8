import type { GraphProto, NodeProto, TensorProto } from 'onnx-buf';
import { copyMessage } from '../../onnx/graph/copy.js';
import { consumersOf } from '../../onnx/graph/graph.js';
import { NameSource } from '../../onnx/graph/names.js';
import { attributeOf, intAttribute, isOp, makeAttribute, nodeTitle, stringAttribute } from '../../onnx/graph/node.js';
import { pruneUnused } from '../../onnx/graph/prune.js';
import { makeTensor, shapeOf, tensorBytes, tensorDtype } from '../../onnx/tensor/tensor.js';
import { NodeWriter } from '../recurrent/recurrentWriter.js';
import type { Changed } from '../rewrite/rewrite.js';

/** The runtime's integer convolution copies its window pixel by pixel, fast from four bytes a pixel on. */
const CHANNEL_MULTIPLE = 4;

/** More channels than this are not worth the memory of the copies. */
const MOST_TAPS = 64;

/** A quantized convolution of one channel, and what it is made of. */
interface Found {
  readonly conv: NodeProto;
  /** What makes the float picture that it reads, of integers. */
  readonly dequantize: NodeProto;
  readonly weightDequantize: NodeProto;
  readonly weight: TensorProto;
  /** The axis whose taps become channels: 2 or 3. */
  readonly axis: 2 | 3;
}

/**
 * Lets quantized convolutions of one channel, such as the first over a spectrogram, read the taps of one of their axes
 * as channels: a `Gather` puts the values that lie under a row of the kernel beside each other, and the kernel becomes
 * one wide. The integers, and so the answers, are the same; the runtime, which copies what lies under the kernel pixel
 * by pixel before it multiplies, has an eleventh of the pixels to copy.
 *
 * @param compressed - what a static step made; left as it is
 * @returns the same object where there is no such convolution
 */
export function gatherTaps(compressed: Changed): Changed {
  const { graph: input, report } = compressed;
  const { graph, makers: producers, users: consumers } = input;
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const names = new NameSource(input.model.proto);
  const added: TensorProto[] = [];
  const replaced = new Map<NodeProto, NodeProto[]>();
  const grown = new Map<string, number>();
  const notes: string[] = [];

  for (const conv of graph.node) {
    const found = isOp(conv, 'Conv') ? find(conv) : undefined;
    if (found === undefined) continue;
    const taps = shapeOf(found.weight)[found.axis] ?? 1;
    const channels = Math.ceil(taps / CHANNEL_MULTIPLE) * CHANNEL_MULTIPLE;
    const prefix = conv.name === '' ? (conv.output[0] ?? 'conv') : conv.name;
    const writer = new NodeWriter(names, prefix, input.opset, added);
    writeConvolution(found, channels, writer);
    replaced.set(conv, writer.nodes);
    grown.set(nodeTitle(conv), (elements(found.weight) / taps) * (channels - taps));
    notes.push(`${nodeTitle(conv)} reads its ${taps} taps of axis ${found.axis} as ${channels} channels`);
  }
  if (replaced.size === 0) return compressed;
  const node = graph.node.flatMap((one) => replaced.get(one) ?? [one]);
  const changed = copyMessage(graph, { node, initializer: [...graph.initializer, ...added] });
  const bytes = [...grown.values()].reduce((sum, extra) => sum + extra, 0);
  return {
    ...compressed,
    graph: input.with({ graph: pruneDequantized(changed) }),
    report: {
      ...report,
      compressed: report.compressed.map((weight) => {
        const extra = weight.shape.length === 4 ? (grown.get(weight.node) ?? 0) : 0;
        return extra === 0 ? weight : { ...weight, sizeBytesAfter: weight.sizeBytesAfter + extra };
      }),
      weightBytesAfter: report.weightBytesAfter + bytes,
      notes: [...report.notes, ...notes],
    },
  };

  function find(conv: NodeProto): Found | undefined {
    const dequantize = producers.get(conv.input[0] ?? '');
    const weightDequantize = producers.get(conv.input[1] ?? '');
    const weight = initializers.get(weightDequantize?.input[0] ?? '');
    if (dequantize === undefined || weightDequantize === undefined || weight === undefined) return undefined;
    const [, inputs, height = 1, width = 1] = shapeOf(weight);
    const [vertical, horizontal] = dilationsOf(conv);
    const fits =
      isOp(dequantize, 'DequantizeLinear') &&
      isOp(weightDequantize, 'DequantizeLinear') &&
      initializers.get(dequantize.input[2] ?? '')?.dims.length === 0 &&
      consumers.get(conv.input[1] ?? '')?.length === 1 &&
      tensorDtype(weight) === 'int8' &&
      inputs === 1 &&
      weight.dims.length === 4 &&
      intAttribute(conv, 'group', 1) === 1 &&
      stringAttribute(conv, 'auto_pad', 'NOTSET') === 'NOTSET';
    if (!fits) return undefined;
    // The shorter side of the kernel: each tap is a copy of the picture.
    const can = (size: number, dilation: number | undefined): boolean =>
      size > 1 && size <= MOST_TAPS && dilation === 1;
    const [across, along] = [can(width, horizontal), can(height, vertical)];
    if (!across && !along) return undefined;
    const axis = along && (!across || height <= width) ? 2 : 3;
    return { conv, dequantize, weightDequantize, weight, axis };
  }
}

function writeConvolution(found: Found, channels: number, writer: NodeWriter): void {
  const { conv, dequantize, weightDequantize, weight, axis } = found;
  const [quantized = '', scale = '', zeroPoint = ''] = dequantize.input;
  const kernel = shapeOf(weight).slice(2);
  const at = axis - 2;
  const taps = kernel[at] ?? 1;
  const pads = attributeOf(conv, 'pads')?.ints.map(Number) ?? [0, 0, 0, 0];
  const strides = attributeOf(conv, 'strides')?.ints.map(Number) ?? [1, 1];
  const stride = strides[at] ?? 1;

  // [N, 1, H, W] to [N, the axis, the other].
  const flat = writer.squeeze(quantized, [1]);
  const turned = axis === 3 ? writer.add('Transpose', [flat], { perm: [0, 2, 1] }) : flat;
  const margins = [0, pads[at] ?? 0, 0, 0, (pads[at + 2] ?? 0) + channels - taps, 0];
  const padded = writer.add('Pad', [turned, writer.integers(margins), zeroPoint]);
  const length = writer.add('Gather', [writer.add('Shape', [padded]), writer.integer(1)], { axis: 0 });
  const end = writer.add('Sub', [length, writer.integer(channels - 1)]);
  const starts = writer.add('Range', [writer.integer(0), end, writer.integer(stride)]);
  const offsets = writer.integers(Array.from({ length: channels }, (_, tap) => tap));
  const places = writer.add('Add', [writer.unsqueeze(starts, [1]), offsets]);
  const windows = writer.add('Gather', [padded, places], { axis: 1 });
  const picture = writer.add('Transpose', [windows], { perm: axis === 2 ? [0, 2, 1, 3] : [0, 2, 3, 1] });
  const floats = writer.add('DequantizeLinear', [picture, scale, zeroPoint]);

  const stored = writer.name('taps');
  writer.stored.push(tapsAsChannels(stored, weight, axis, channels));
  const weightFloats = writer.name('taps_DequantizeLinear');
  writer.nodes.push(
    copyMessage(weightDequantize, {
      name: writer.names.node(`${weightFloats}_node`),
      input: [stored, ...weightDequantize.input.slice(1)],
      output: [weightFloats],
    }),
  );
  const one = (values: readonly number[], neutral: number): number[] =>
    values.map((value, index) => (index % 2 === at ? neutral : value));
  const sizes = {
    kernel_shape: one(kernel, 1),
    strides: one(strides, 1),
    dilations: one(dilationsOf(conv), 1),
    pads: one(pads, 0),
  };
  const others = conv.attribute.filter(({ name }) => !Object.hasOwn(sizes, name));
  writer.nodes.push(
    copyMessage(conv, {
      input: [floats, weightFloats, ...conv.input.slice(2)],
      attribute: [...others, ...Object.entries(sizes).map(([name, value]) => makeAttribute(name, value))],
    }),
  );
}

/** Weights [O, 1, H, W] as [O, taps, H, 1] or [O, taps, 1, W]; the taps beyond the kernel are zero. */
function tapsAsChannels(name: string, weight: TensorProto, axis: 2 | 3, channels: number): TensorProto {
  const [outputs = 0, , height = 1, width = 1] = shapeOf(weight);
  const values = tensorBytes(weight);
  const others = axis === 2 ? width : height;
  const taps = axis === 2 ? height : width;
  const turned = new Uint8Array(outputs * channels * others);
  for (let output = 0; output < outputs; output++) {
    for (let tap = 0; tap < taps; tap++) {
      for (let other = 0; other < others; other++) {
        const from = output * height * width + (axis === 2 ? tap * width + other : other * width + tap);
        turned[(output * channels + tap) * others + other] = values[from] ?? 0;
      }
    }
  }
  const shape = axis === 2 ? [outputs, channels, 1, width] : [outputs, channels, height, 1];
  return makeTensor(name, 'int8', shape, turned);
}

function dilationsOf(conv: NodeProto): number[] {
  return attributeOf(conv, 'dilations')?.ints.map(Number) ?? [1, 1];
}

function elements(tensor: TensorProto): number {
  return shapeOf(tensor).reduce((product, dim) => product * dim, 1);
}

/** Without the dequantized picture and weight that nobody reads any more. */
function pruneDequantized(graph: GraphProto): GraphProto {
  const read = consumersOf(graph);
  const outputs = new Set(graph.output.map(({ name }) => name));
  const node = graph.node.filter(
    (one) => !isOp(one, 'DequantizeLinear') || one.output.some((name) => read.has(name) || outputs.has(name)),
  );
  return pruneUnused(copyMessage(graph, { node }));
}
