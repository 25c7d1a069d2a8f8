import { GraphBuilder, LOWEST_OPSET } from '../../onnx/build/buildGraph.js';
import { makeValueInfo } from '../../onnx/graph/valueInfo.js';
import type { OnnxModel } from '../../onnx/model.js';
import type { Weights } from './weights.js';
import { LayerBuilder, queryScale } from './whisperLayers.js';
import type { WhisperShape } from './whisperShape.js';

/** Added to the score of what a token must not see: its share is then zero in float32 and float16 alike. */
const UNSEEN = -10_000;

/**
 * Builds Whisper's decoder, for the first tokens and every later one in one graph.
 *
 * `tokens` int64 [n, s]; `read` int64 [r], those of the s that are asked what follows; of each layer `past_key_i` and
 * `past_value_i` float32 [n, heads, p, size of a head], p = 0 at first, and `cross_key_i` and `cross_value_i` of the encoder →
 * `logits` float32 [n, r, vocabulary]; `present_key_i`, `present_value_i` [n, heads, p + s, size of a head]. The tokens stand at
 * positions p … p + s − 1, and each sees those up to itself. The table of the tokens is stored once: it is the matrix of the
 * last product, too.
 *
 * Source: Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision, 2022 (arXiv:2212.04356).
 */
export function buildWhisperDecoder(weights: Weights, shape: WhisperShape): OnnxModel {
  const { width, decoderLayers, decoderHeads, vocabulary, longestText } = shape;
  const graph = new GraphBuilder(0);
  const layers = new LayerBuilder(graph, weights);
  const scale = queryScale(width, decoderHeads);
  const table = layers.weight('decoder.embed_tokens.weight', 'tokens.weight');
  const places = placesOf(graph, longestText);
  const positions = layers.weight('decoder.embed_positions.weight', 'positions.weight');
  const own = graph.node('Slice', [positions, places.start, places.end, graph.integers([0])], 'positions');
  const embedded = graph.node('Gather', [table, 'tokens'], 'embedded', { axis: 0 });
  let x = graph.node('Add', [embedded, own], 'positioned');
  for (let index = 0; index < decoderLayers; index++) {
    const [source, name] = [`decoder.layers.${index}`, `layer${index}`];
    x = selfAttention(layers, source, `${name}.self_attention`, x, {
      index,
      heads: decoderHeads,
      scale,
      mask: places.mask,
    });
    const cross = `${name}.cross_attention`;
    const normal = layers.norm(`${source}.encoder_attn_layer_norm`, `${cross}.norm`, x);
    const asked = layers.linear([`${source}.encoder_attn.q_proj`], `${cross}.in`, normal, scale);
    layers.heads(asked, cross, decoderHeads, [`${cross}.query`]);
    const parts = [`${cross}.query`, `cross_key_${index}`, `cross_value_${index}`] as const;
    x = graph.node('Add', [x, layers.attention(`${source}.encoder_attn`, cross, parts)], `${cross}.sum`);
    x = layers.feed(source, `${name}.feed`, x);
  }
  const wanted = graph.node('Gather', [x, 'read'], 'read_steps', { axis: 1 });
  const normal = layers.norm('decoder.layer_norm', 'norm', wanted);
  const flat = graph.node('Reshape', [normal, graph.integers([-1, width])], 'norm.flat');
  const scores = graph.node('Gemm', [flat, table], 'logits.flat', { transB: 1 });
  const readCount = graph.node('Shape', ['read'], 'read_count');
  const sizes = [graph.integers([-1]), readCount, graph.integers([vocabulary])];
  graph.node('Reshape', [scores, graph.node('Concat', sizes, 'logits.shape', { axis: 0 })], 'logits');
  return describe(graph, shape);
}

/** Where the tokens stand, and what they see. */
interface Places {
  /** int64 [1]: position of the first token, and the one after the last. */
  readonly start: string;
  readonly end: string;
  /** float32 [s, p + s]: 0 where a token sees another. */
  readonly mask: string;
}

function placesOf(graph: GraphBuilder, longestText: number): Places {
  const axis = graph.integers([0]);
  const all = graph.integers(
    Array.from({ length: longestText }, (_, position) => position),
    'places',
  );
  const start = graph.node('Shape', ['past_key_0'], 'start', { start: 2, end: 3 });
  const end = graph.node('Add', [start, graph.node('Shape', ['tokens'], 'count', { start: 1, end: 2 })], 'end');
  const own = graph.node('Slice', [all, start, end, axis], 'places.own');
  const seen = graph.node('Slice', [all, axis, end, axis], 'places.seen');
  const column = graph.node('Unsqueeze', [own, graph.integers([1])], 'places.column');
  const later = graph.node('Greater', [seen, column], 'mask.later');
  graph.filled('mask.unseen', [], UNSEEN);
  graph.filled('mask.seen', [], 0);
  return { start, end, mask: graph.node('Where', [later, 'mask.unseen', 'mask.seen'], 'mask') };
}

interface SelfAttention {
  readonly index: number;
  readonly heads: number;
  readonly scale: number;
  readonly mask: string;
}

/** Attention to the tokens so far, with what goes past it. */
function selfAttention(
  layers: LayerBuilder,
  source: string,
  name: string,
  x: string,
  { index, heads, scale, mask }: SelfAttention,
): string {
  const { graph } = layers;
  const normal = layers.norm(`${source}.self_attn_layer_norm`, `${name}.norm`, x);
  const sources = ['q_proj', 'k_proj', 'v_proj'].map((part) => `${source}.self_attn.${part}`);
  const own = [`${name}.query`, `${name}.key`, `${name}.value`] as const;
  layers.heads(layers.linear(sources, `${name}.in`, normal, scale), name, heads, own);
  const key = graph.node('Concat', [`past_key_${index}`, own[1]], `present_key_${index}`, { axis: 2 });
  const value = graph.node('Concat', [`past_value_${index}`, own[2]], `present_value_${index}`, { axis: 2 });
  return graph.node(
    'Add',
    [x, layers.attention(`${source}.self_attn`, name, [own[0], key, value], mask)],
    `${name}.sum`,
  );
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
    outputs: [makeValueInfo('logits', 'float32', ['n', 'r', vocabulary]), ...states('present', 'total')],
  });
}
