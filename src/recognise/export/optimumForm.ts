import type { GraphProto, NodeProto, TensorProto, ValueInfoProto } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { GraphBuilder } from '../../onnx/build/buildGraph.js';
import { renamedTensor } from '../../onnx/file/payload.js';
import { copyMessage, copyModel } from '../../onnx/graph/copy.js';
import { makeNode } from '../../onnx/graph/node.js';
import { pruneUnused } from '../../onnx/graph/prune.js';
import { makeValueInfo } from '../../onnx/graph/valueInfo.js';
import { mainGraph, type OnnxModel } from '../../onnx/model.js';
import { renamedNode } from '../../onnx/normalForm/renameValues.js';
import { ENCODED } from '../import/whisperEncoder.js';

/** Sizes that the graphs' tensors have. */
export interface OptimumSizes {
  /** Of the decoder. */
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  readonly vocabulary: number;
  readonly bins: number;
}

/** The two graphs of a Whisper in the form of Optimum and transformers.js. */
export interface OptimumForm {
  readonly encoder: OnnxModel;
  readonly decoder: OnnxModel;
}

const HEARD = 'encoder_hidden_states';

/**
 * Gives the graphs that quantlab builds the form of Optimum's exports, which transformers.js loads, with the same weights: an encoder
 * that gives what it heard, and one decoder (`decoder_model_merged`) with an `If` of two branches. The first computes keys and values
 * of what was heard and hands them on; the second reads them. The weights stand beside the `If` and are stored once.
 *
 * @param encoder - float32, with its inputs and outputs as `buildWhisperEncoder` calls them
 * @param decoder - float32, as `buildWhisperDecoder` calls them
 * @throws {InputError} when they are not such graphs
 */
export function optimumForm(encoder: OnnxModel, decoder: OnnxModel, sizes: OptimumSizes): OptimumForm {
  const whole = mainGraph(encoder);
  const isMade = whole.node.some(({ output }) => output.includes(ENCODED));
  if (!isMade) {
    throw new InputError(
      `${encoder.path}: a graph with the value ${ENCODED} was required, got none; import the model again, and quantize it in this layout`,
    );
  }
  const ears = pruneUnused(copyMessage(whole, { output: [makeValueInfo(ENCODED, 'float32', [])], valueInfo: [] }));
  const own = new Set(ears.node.flatMap(({ output }) => output));
  const crossing = whole.node.filter(({ output }) => !output.some((name) => own.has(name)));
  return {
    encoder: earsModel(encoder, ears, sizes),
    decoder: mergedDecoder(decoder, { nodes: crossing, weights: whole.initializer }, sizes),
  };
}

function earsModel(encoder: OnnxModel, ears: GraphProto, { bins, width }: OptimumSizes): OnnxModel {
  return copyModel(encoder, {
    ...ears,
    node: renamed(ears.node, { mel: 'input_features', [ENCODED]: 'last_hidden_state' }),
    input: [makeValueInfo('input_features', 'float32', ['batch_size', bins, 'feature_length'])],
    output: [makeValueInfo('last_hidden_state', 'float32', ['batch_size', 'encoder_sequence_length', width])],
    valueInfo: [],
  });
}

/** The nodes that compute keys and values of what was heard, and the weights among which theirs are. */
interface Crossing {
  readonly nodes: readonly NodeProto[];
  readonly weights: readonly TensorProto[];
}

function mergedDecoder(decoder: OnnxModel, crossing: Crossing, sizes: OptimumSizes): OnnxModel {
  const parts = keysAndValues(sizes.layers);
  const wanted = new Set(['logits', ...parts.map(({ own }) => own)]);
  const whole = mainGraph(decoder);
  const graph = pruneUnused(copyMessage(whole, { output: whole.output.filter(({ name }) => wanted.has(name)) }));
  const past = Object.fromEntries(parts.map(({ own, past }) => [own.replace('present', 'past'), past.decoder]));
  const shared = { tokens: 'input_ids', ...past };
  const read = crossing.nodes.flatMap(({ input }) => input);
  // Weights keep their names: those of both graphs stand beside each other.
  const heard = crossing.weights.filter(({ name }) => read.includes(name));
  const heardNames = Object.fromEntries(heard.map(({ name }) => [name, `heard.${name}`]));
  const weightNames = Object.fromEntries(graph.initializer.map(({ name }) => [name, name]));

  const first = branch('first', graph.node, { ...weightNames, ...shared });
  const crossed = renamed(crossing.nodes, { ...heardNames, [ENCODED]: HEARD }, 'first');
  const next = branch('next', graph.node, {
    ...weightNames,
    ...shared,
    ...Object.fromEntries(parts.map(({ cross, past }) => [cross, past.encoder])),
  });
  // Who has them already is not given them again: a copy of them at each step would take as long as the decoder.
  const emptied = parts.map(({ cross, past }) =>
    makeNode('Slice', [past.encoder, ZERO, ZERO, TIME], [`next.${cross}`], { name: `next.${cross}` }),
  );
  const builder = new GraphBuilder(0);
  builder.integers([0], ZERO);
  builder.integers([2], TIME);
  const outputs = outputsOf(parts, sizes);
  builder.nodes.push(
    ...positionsRead(builder),
    makeNode(
      'If',
      ['use_cache_branch'],
      outputs.map(({ info }) => info.name),
      {
        name: 'decoder',
        attributes: {
          then_branch: { graph: bodyOf('next', [...next, ...emptied], outputs) },
          else_branch: { graph: bodyOf('first', [...crossed, ...first], outputs) },
        },
      },
    ),
  );
  const weights = [...graph.initializer, ...heard.map((tensor) => renamedTensor(tensor, `heard.${tensor.name}`))];
  return copyModel(decoder, {
    node: builder.nodes,
    initializer: [...builder.initializers, ...weights],
    input: inputsOf(parts, sizes),
    output: outputs.map(({ info }) => info),
    valueInfo: [],
  });
}

const ZERO = 'empty.end';
const TIME = 'empty.axis';

/** All tokens of a step get logits: `read` of the graph. */
function positionsRead(builder: GraphBuilder): NodeProto[] {
  const [zero, one] = [builder.integers(0), builder.integers(1)];
  return [
    makeNode('Shape', ['input_ids'], ['read.counts'], { name: 'read.counts', attributes: { start: 1, end: 2 } }),
    makeNode('Squeeze', ['read.counts'], ['read.count'], { name: 'read.count' }),
    makeNode('Range', [zero, 'read.count', one], ['read'], { name: 'read' }),
  ];
}

interface KeyOrValue {
  /** Output of our decoder, and input from our encoder. */
  readonly own: string;
  readonly cross: string;
  readonly past: Readonly<Record<'decoder' | 'encoder', string>>;
}

function keysAndValues(layers: number): readonly KeyOrValue[] {
  return Array.from({ length: layers }, (_, layer) =>
    (['key', 'value'] as const).map((part) => ({
      own: `present_${part}_${layer}`,
      cross: `cross_${part}_${layer}`,
      past: {
        decoder: `past_key_values.${layer}.decoder.${part}`,
        encoder: `past_key_values.${layer}.encoder.${part}`,
      },
    })),
  ).flat();
}

function inputsOf(parts: readonly KeyOrValue[], { heads, width }: OptimumSizes): ValueInfoProto[] {
  const state = (name: string, length: string): ValueInfoProto =>
    makeValueInfo(name, 'float32', ['batch_size', heads, length, width / heads]);
  return [
    makeValueInfo('input_ids', 'int64', ['batch_size', 'decoder_sequence_length']),
    makeValueInfo(HEARD, 'float32', ['batch_size', 'encoder_sequence_length', width]),
    ...parts.flatMap(({ past }) => [
      state(past.decoder, 'past_decoder_sequence_length'),
      state(past.encoder, 'past_encoder_sequence_length'),
    ]),
    makeValueInfo('use_cache_branch', 'bool', [1]),
  ];
}

interface Output {
  /** In our graphs. */
  readonly own: string;
  readonly info: ValueInfoProto;
}

function outputsOf(parts: readonly KeyOrValue[], { heads, width, vocabulary }: OptimumSizes): readonly Output[] {
  const state = (past: string, length: string): ValueInfoProto => {
    const name = past.replace('past_key_values', 'present');
    return makeValueInfo(name, 'float32', ['batch_size', heads, length, width / heads]);
  };
  const logits = makeValueInfo('logits', 'float32', ['batch_size', 'decoder_sequence_length', vocabulary]);
  return [
    { own: 'logits', info: logits },
    ...parts.flatMap(({ own, cross, past }) => [
      { own, info: state(past.decoder, 'present_decoder_sequence_length') },
      { own: cross, info: state(past.encoder, 'present_encoder_sequence_length') },
    ]),
  ];
}

/** The decoder's nodes within a branch, whose values have names of their own. */
function branch(prefix: string, nodes: readonly NodeProto[], outside: Readonly<Record<string, string>>): NodeProto[] {
  return renamed(nodes, { ...outside, read: 'read' }, prefix);
}

function bodyOf(prefix: string, nodes: readonly NodeProto[], outputs: readonly Output[]): GraphProto {
  const builder = new GraphBuilder(0);
  builder.nodes.push(...nodes);
  const named = outputs.map(({ own, info }) => copyMessage(info, { name: `${prefix}.${own}` }));
  return mainGraph(builder.model({ name: prefix, description: '', opset: 17, inputs: [], outputs: named }));
}

/** Copies of nodes, whose values have other names: those given, others with a prefix. */
function renamed(nodes: readonly NodeProto[], names: Readonly<Record<string, string>>, prefix?: string): NodeProto[] {
  const under = (name: string): string => (prefix === undefined ? name : `${prefix}.${name}`);
  const rename = (name: string): string => (Object.hasOwn(names, name) ? (names[name] as string) : under(name));
  return nodes.map((node) => {
    const own = copyMessage(node, { name: under(node.name) });
    return renamedNode(own, { rename, fresh: under });
  });
}
