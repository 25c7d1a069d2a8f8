import { gelu } from '../../onnx/build/buildFronts.js';
import { GraphBuilder, LOWEST_OPSET } from '../../onnx/build/buildGraph.js';
import { makeValueInfo } from '../../onnx/graph/valueInfo.js';
import type { OnnxModel } from '../../onnx/model.js';
import type { Weights } from './weights.js';
import { LayerBuilder, queryScale } from './whisperLayers.js';
import type { WhisperShape } from './whisperShape.js';

/** What the encoder makes of the sound, of which keys and values are computed: float32 [n, T, width]. */
export const ENCODED = 'norm';

/**
 * Builds Whisper's encoder, and of each decoder layer the keys and values that it reads: they are the same for every token.
 *
 * `mel` float32 [n, bins, frames], up to two frames for each position → for each decoder layer `cross_key_i` and `cross_value_i`
 * float32 [n, heads, T, size of a head], T = frames / 2.
 *
 * Source: Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision, 2022 (arXiv:2212.04356).
 */
export function buildWhisperEncoder(weights: Weights, shape: WhisperShape): OnnxModel {
  const { width, bins, encoderLayers, encoderHeads, decoderLayers, decoderHeads } = shape;
  const graph = new GraphBuilder(0);
  const layers = new LayerBuilder(graph, weights);
  let x = convolution(layers, 'conv1', 'mel', 1);
  x = convolution(layers, 'conv2', x, 2);
  x = graph.node('Transpose', [x], 'steps', { perm: [0, 2, 1] });
  const positions = layers.weight('encoder.embed_positions.weight', 'positions.weight');
  const count = graph.node('Shape', [x], 'step_count', { start: 1, end: 2 });
  const own = graph.node('Slice', [positions, graph.integers([0]), count, graph.integers([0])], 'positions');
  x = graph.node('Add', [x, own], 'positioned');
  for (let index = 0; index < encoderLayers; index++) {
    const [source, name] = [`encoder.layers.${index}`, `layer${index}`];
    const attention = `${name}.attention`;
    const normal = layers.norm(`${source}.self_attn_layer_norm`, `${attention}.norm`, x);
    const sources = ['q_proj', 'k_proj', 'v_proj'].map((part) => `${source}.self_attn.${part}`);
    const together = layers.linear(sources, `${attention}.in`, normal, queryScale(width, encoderHeads));
    const parts = [`${attention}.query`, `${attention}.key`, `${attention}.value`];
    layers.parts(together, attention, width, parts);
    const heard = layers.attention(`${source}.self_attn`, attention, encoderHeads, parts);
    x = graph.node('Add', [x, heard], `${attention}.sum`);
    x = layers.feed(source, `${name}.feed`, x);
  }
  x = layers.norm('encoder.layer_norm', ENCODED, x);
  const outputs: string[] = [];
  for (let index = 0; index < decoderLayers; index++) {
    const source = `decoder.layers.${index}.encoder_attn`;
    for (const part of ['key', 'value']) {
      const name = `cross_${part}_${index}`;
      outputs.push(layers.heads(layers.linear([`${source}.${part[0]}_proj`], `${name}.in`, x), name, decoderHeads));
    }
  }
  return graph.model({
    name: 'whisper_encoder',
    description: `Whisper's encoder, ${encoderLayers} layers of ${width}, with the keys and values of ${decoderLayers} decoder layers`,
    opset: LOWEST_OPSET,
    inputs: [makeValueInfo('mel', 'float32', ['n', bins, 'frames'])],
    outputs: outputs.map((name) => makeValueInfo(name, 'float32', ['n', decoderHeads, 'T', width / decoderHeads])),
  });
}

/** A convolution over time of width 3, and GELU: [n, channels, frames] to [n, width, frames / stride]. */
function convolution(layers: LayerBuilder, name: string, x: string, stride: number): string {
  const weight = layers.weight(`encoder.${name}.weight`, `${name}.weight`);
  const bias = layers.weight(`encoder.${name}.bias`, `${name}.bias`);
  const attributes = { kernel_shape: [3], strides: [stride], pads: [1, 1], dilations: [1], group: 1 };
  return gelu(layers.graph, `${name}.gelu`, layers.graph.node('Conv', [x, weight, bias], name, attributes));
}
