import type { GraphBuilder } from './buildGraph.js';
import { halvedLengths, paddingMask } from './buildMask.js';

/** What the recurrent layers read. */
export interface FrontOutput {
  /** float32 [T′, N, width]. */
  readonly steps: string;
  /** int64 [N]. */
  readonly lengths: string;
  readonly width: number;
}

/** Upper bound of the clipped rectifier (Deep Speech 2, section 3.1). */
const CLIP = 20;

/** Variance of a rectified layer's weights for one input (He et al. 2015): a signal keeps its power through it. */
const RECTIFIED = 2;

interface Kernel {
  readonly height: number;
  readonly width: number;
  readonly strides: readonly [number, number];
}

/**
 * The two convolutions of Deep Speech 2 (Amodei et al. 2015, table 5 of the paper): 41×11 with stride 2×2, 21×11 with
 * stride 2×1 (frequency × time), batch normalisation folded in, each clipped to 0…20 and masked.
 *
 * @param channels - of both; 32 in the paper
 * @param bins - of the features, 161 in the paper
 */
export function buildConvolutions(graph: GraphBuilder, channels: number, bins: number): FrontOutput {
  const lengths = halvedLengths(graph, 'conv0', 'lengths');
  const image = toImage(graph);
  graph.filled('clip.low', [], 0);
  graph.filled('clip.high', [], CLIP);
  const first = clippedConvolution(graph, 'conv0', image, [channels, 1], { height: 41, width: 11, strides: [2, 2] });
  const mask = paddingMask(graph, 'conv0', first, 3, lengths, [1, 2]);
  const masked = graph.node('Mul', [first, mask], 'conv0.masked');
  const kernel: Kernel = { height: 21, width: 11, strides: [2, 1] };
  const second = clippedConvolution(graph, 'conv1', masked, [channels, channels], kernel);
  const last = graph.node('Mul', [second, mask], 'conv1.masked');
  const lines = Math.ceil(Math.ceil(bins / 2) / 2);
  return { steps: toSteps(graph, last), lengths, width: channels * lines };
}

function clippedConvolution(
  graph: GraphBuilder,
  name: string,
  input: string,
  [outputs, inputs]: readonly [number, number],
  kernel: Kernel,
): string {
  const result = convolution(graph, name, input, [outputs, inputs], kernel, RECTIFIED);
  return graph.node('Clip', [result, 'clip.low', 'clip.high'], `${name}.clip`);
}

function convolution(
  graph: GraphBuilder,
  name: string,
  input: string,
  [outputs, inputs]: readonly [number, number],
  { height, width, strides }: Kernel,
  gain: number,
): string {
  const fanIn = inputs * height * width;
  const weight = graph.random(`${name}.weight`, [outputs, inputs, height, width], gain / fanIn);
  const bias = graph.random(`${name}.bias`, [outputs], 0.01);
  const [top, left] = [Math.floor(height / 2), Math.floor(width / 2)];
  return graph.node('Conv', [input, weight, bias], `${name}.conv`, {
    dilations: [1, 1],
    group: 1,
    kernel_shape: [height, width],
    pads: [top, left, top, left],
    strides,
  });
}

/** Features [N, T, F], padding put to zero, to one-channel pictures [N, 1, F, T]. */
function toImage(graph: GraphBuilder): string {
  const mask = paddingMask(graph, 'features', 'features', 1, 'lengths', [2]);
  const masked = graph.node('Mul', ['features', mask], 'features.masked');
  const turned = graph.node('Transpose', [masked], 'features.by_bin', { perm: [0, 2, 1] });
  return graph.node('Unsqueeze', [turned, graph.integers([1])], 'features.image');
}

/** Pictures [N, C, F, T] to steps [T, N, C · F]. */
function toSteps(graph: GraphBuilder, image: string): string {
  const turned = graph.node('Transpose', [image], 'steps.first', { perm: [3, 0, 1, 2] });
  return graph.node('Reshape', [turned, graph.integers([0, 0, -1])], 'steps.flat');
}

/**
 * The front of a common PyTorch variant of Deep Speech 2: one 3×3 convolution of stride 2×2, three residual blocks of
 * two 3×3 convolutions, each after LayerNorm over frequency and GELU, and a linear layer down to the recurrent width.
 *
 * Each convolution's input is masked, since LayerNorm's bias would fill the padding.
 */
export function buildResidualConvolutions(
  graph: GraphBuilder,
  channels: number,
  bins: number,
  units: number,
): FrontOutput {
  const lengths = halvedLengths(graph, 'conv0', 'lengths');
  const lines = Math.ceil(bins / 2);
  const kernel: Kernel = { height: 3, width: 3, strides: [2, 2] };
  let x = convolution(graph, 'conv0', toImage(graph), [channels, 1], kernel, 1);
  const mask = paddingMask(graph, 'conv0', x, 3, lengths, [1, 2]);
  for (let block = 0; block < 3; block++) {
    let inner = x;
    for (let half = 0; half < 2; half++) {
      const name = `block${block}.${half}`;
      const byTime = graph.node('Transpose', [inner], `${name}.by_time`, { perm: [0, 1, 3, 2] });
      const normal = layerNorm(graph, `${name}.norm`, byTime, lines);
      const byBin = graph.node('Transpose', [normal], `${name}.by_bin`, { perm: [0, 1, 3, 2] });
      const masked = graph.node('Mul', [gelu(graph, `${name}.gelu`, byBin), mask], `${name}.masked`);
      inner = convolution(graph, name, masked, [channels, channels], { height: 3, width: 3, strides: [1, 1] }, 1);
    }
    x = graph.node('Add', [inner, x], `block${block}.sum`);
  }
  const width = channels * lines;
  const steps = linear(graph, 'front', toSteps(graph, x), width, units, 1 / width);
  return { steps, lengths, width: units };
}

/** LayerNorm over the last axis; its scale is near one. */
export function layerNorm(graph: GraphBuilder, name: string, x: string, width: number): string {
  const scale = graph.filled(`${name}.weight`, [width], 1);
  const bias = graph.random(`${name}.bias`, [width], 0.01);
  return graph.node('LayerNormalization', [x, scale, bias], name, { axis: -1, epsilon: { float: 1e-5 } });
}

/** The exact GELU in the five nodes that PyTorch's exporter writes; the runtime fuses them. */
export function gelu(graph: GraphBuilder, name: string, x: string): string {
  if (!graph.initializers.some((tensor) => tensor.name === 'sqrt2')) {
    graph.filled('sqrt2', [], Math.SQRT2);
    graph.filled('one', [], 1);
    graph.filled('half', [], 0.5);
  }
  const scaled = graph.node('Div', [x, 'sqrt2'], `${name}.scaled`);
  const erf = graph.node('Erf', [scaled], `${name}.erf`);
  const sum = graph.node('Add', [erf, 'one'], `${name}.sum`);
  const product = graph.node('Mul', [x, sum], `${name}.product`);
  return graph.node('Mul', [product, 'half'], name);
}

/** A linear layer, as `MatMul` and `Add`. */
export function linear(
  graph: GraphBuilder,
  name: string,
  x: string,
  inputs: number,
  outputs: number,
  variance: number,
): string {
  const weight = graph.random(`${name}.weight`, [inputs, outputs], variance);
  const bias = graph.random(`${name}.bias`, [outputs], 0.01);
  return graph.node('Add', [bias, graph.node('MatMul', [x, weight], `${name}.product`)], `${name}.linear`);
}
