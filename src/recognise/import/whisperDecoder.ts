import { GraphBuilder, LOWEST_OPSET } from '../../onnx/build/buildGraph.js';
import { makeValueInfo } from '../../onnx/graph/valueInfo.js';
import type { OnnxModel } from '../../onnx/model.js';
import type { Weights } from './weights.js';
import { LayerBuilder, queryScale } from './whisperLayers.js';
import type { WhisperShape } from './whisperShape.js';

/**
 * Builds Whisper's decoder, for the first tokens and every later one in one graph.
 *
 * `tokens` int64 [n, s]; `read` int64 [r], those of the s that are asked what follows; of each layer `past_key_i` and
 * `past_value_i` float32 [n, heads, p, size of a head], p = 0 at first, and `cross_key_i` and `cross_value_i` of the encoder →
 * `logits` float32 [n, r, vocabulary] and `log_sum` [n, r], the logarithm of the sum of their exponentials; `present_key_i`,
 * `present_value_i` [n, heads, p + s, size of a head]. The tokens stand at positions p … p + s − 1, and each sees those up to
 * itself. The table of the tokens is stored once: it is the matrix of the last product, too.
 *
 * Source: Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision, 2022 (arXiv:2212.04356).
 */
export function buildWhisperDecoder(weights: Weights, shape: WhisperShape): OnnxModel {
  const { width, decoderLayers, decoderHeads, vocabulary } = shape;
  const graph = new GraphBuilder(0);
  const layers = new LayerBuilder(graph, weights);
  const scale = queryScale(width, decoderHeads);
  const table = layers.weight('decoder.embed_tokens.weight', 'tokens.weight');
  const positions = layers.weight('decoder.embed_positions.weight', 'positions.weight');
  const own = ownPositions(graph, positions);
  const embedded = graph.node('Gather', [table, 'tokens'], 'embedded', { axis: 0 });
  let x = graph.node('Add', [embedded, own], 'positioned');
  for (let index = 0; index < decoderLayers; index++) {
    const [source, name] = [`decoder.layers.${index}`, `layer${index}`];
    const self = `${name}.self_attention`;
    const fresh = layers.norm(`${source}.self_attn_layer_norm`, `${self}.norm`, x);
    const sources = ['q_proj', 'k_proj', 'v_proj'].map((part) => `${source}.self_attn.${part}`);
    const parts = [`${self}.query`, `${self}.key`, `${self}.value`];
    layers.parts(layers.linear(sources, `${self}.in`, fresh, scale), self, width, parts);
    const [key, value] = [`past_key_${index}`, `past_value_${index}`];
    const past = { key, value, presentKey: `present_key_${index}`, presentValue: `present_value_${index}` };
    const said = layers.attention(`${source}.self_attn`, self, decoderHeads, parts, past);
    x = graph.node('Add', [x, said], `${self}.sum`);
    const cross = `${name}.cross_attention`;
    const normal = layers.norm(`${source}.encoder_attn_layer_norm`, `${cross}.norm`, x);
    const asked = layers.linear([`${source}.encoder_attn.q_proj`], `${cross}.in`, normal, scale);
    const heard = [asked, `cross_key_${index}`, `cross_value_${index}`];
    x = graph.node('Add', [x, layers.attention(`${source}.encoder_attn`, cross, decoderHeads, heard)], `${cross}.sum`);
    x = layers.feed(source, `${name}.feed`, x);
  }
  const wanted = graph.node('Gather', [x, 'read'], 'read_steps', { axis: 1 });
  const normal = layers.norm('decoder.layer_norm', 'norm', wanted);
  const flat = graph.node('Reshape', [normal, graph.integers([-1, width])], 'norm.flat');
  const scores = graph.node('Gemm', [flat, table], 'logits.flat', { transB: 1 });
  const readCount = graph.node('Shape', ['read'], 'read_count');
  const sizes = [graph.integers([-1]), readCount, graph.integers([vocabulary])];
  graph.node('Reshape', [scores, graph.node('Concat', sizes, 'logits.shape', { axis: 0 })], 'logits');
  sumOfExponentials(graph);
  return describe(graph, shape);
}

/** The rows of the positions p … p + s − 1. */
function ownPositions(graph: GraphBuilder, positions: string): string {
  const start = graph.node('Shape', ['past_key_0'], 'start', { start: 2, end: 3 });
  const end = graph.node('Add', [start, graph.node('Shape', ['tokens'], 'count', { start: 1, end: 2 })], 'end');
  return graph.node('Slice', [positions, start, end, graph.integers([0])], 'positions');
}

/**
 * The logarithm of the sum of the logits' exponentials: what divides them into probabilities. The runtime has one quick way
 * over all of them, `LogSoftmax`, of which one element tells the sum.
 */
function sumOfExponentials(graph: GraphBuilder): void {
  const first = graph.integers(0);
  const shares = graph.node('LogSoftmax', ['logits'], 'log_shares', { axis: -1 });
  const one = graph.node('Gather', ['logits', first], 'logits.first', { axis: 2 });
  const share = graph.node('Gather', [shares, first], 'log_shares.first', { axis: 2 });
  graph.node('Sub', [one, share], 'log_sum');
}

function describe(graph: GraphBuilder, { width, decoderLayers, decoderHeads, vocabulary }: WhisperShape): OnnxModel {
  const size = width / decoderHeads;
  const states = (name: string, length: string) =>
    Array.from({ length: decoderLayers }, (_, index) =>
      ['key', 'value'].map((part) =>
        makeValueInfo(`${name}_${part}_${index}`, 'float32', ['n', decoderHeads, length, size]),
      ),
    ).flat();
  return graph.model({
    name: 'whisper_decoder',
    description: `Whisper's decoder, ${decoderLayers} layers of ${width}, with and without past`,
    opset: LOWEST_OPSET,
    inputs: [
      makeValueInfo('tokens', 'int64', ['n', 's']),
      makeValueInfo('read', 'int64', ['r']),
      ...states('past', 'p'),
      ...states('cross', 'T'),
    ],
    outputs: [
      makeValueInfo('logits', 'float32', ['n', 'r', vocabulary]),
      makeValueInfo('log_sum', 'float32', ['n', 'r']),
      ...states('present', 'total'),
    ],
  });
}
