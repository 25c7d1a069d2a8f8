import { InputError } from '../../errors.js';
import { makeValueInfo } from '../graph/valueInfo.js';
import type { OnnxModel } from '../model.js';
import { DTYPE_CODE } from '../tensor/dtype.js';
import { buildConvolutions, buildResidualConvolutions, gelu, layerNorm, linear } from './buildFronts.js';
import { GraphBuilder, HIGHEST_OPSET, LOWEST_OPSET } from './buildGraph.js';
import { buildRecurrentLayer, type RecurrentCell, STATE_POWER } from './buildRecurrent.js';

/** Options of {@link buildDeepSpeech2}. */
export interface DeepSpeech2Options {
  /** Recurrent cell. Default `lstm`. */
  readonly cell?: RecurrentCell;
  /** Bidirectional recurrent layers. Default 5. */
  readonly layers?: number;
  /** Units of each direction. Default 1024. */
  readonly units?: number;
  /**
   * What stands before the recurrent layers. `deepspeech2`: the paper's two convolutions on 161 bins, directions
   * added. `residual`: three residual blocks, LayerNorm and GELU before each recurrent layer, directions
   * beside each other, two linear layers after. Default `deepspeech2`.
   */
  readonly front?: 'deepspeech2' | 'residual';
  /** Hears forward alone, step by step: no front, and layers of one direction; it can be run in pieces. Default false. */
  readonly causal?: boolean;
  /** Channels of the convolutions. Default 32. */
  readonly channels?: number;
  /**
   * Features a frame. Default 161, or for `residual` 128, the mel bands that its models elsewhere read.
   */
  readonly bins?: number;
  /** Output classes, the blank included. Default 29. */
  readonly classes?: number;
  /** Of the random weights. Default 1. */
  readonly seed?: number;
  /** ONNX operator set, 17 to 23. Default 17. */
  readonly opset?: number;
}

/** Options with their defaults. */
export type DeepSpeech2Settings = Required<DeepSpeech2Options>;

/** Standard deviation of the logits: a network that is neither sure of everything nor of nothing. */
const LOGIT_DEVIATION = 3;

/**
 * Builds a Deep Speech 2 with seeded random weights, to measure speed and size at any scale; it recognizes nothing.
 *
 * Tensors: `features` float32 [N, T, bins], `lengths` int64 [N] → `log_probabilities` float32 [N, T′, classes],
 * `output_lengths` int64 [N], T′ = (T + 1) / 2. Padding is masked and the recurrent layers know each length: a padded
 * batch equals its single utterances. Weights are made when they are written or read, one at a time.
 *
 * Source: Amodei et al., Deep Speech 2, 2015 (arXiv:1512.02595).
 *
 * @returns the model; the same options give the same bytes
 * @throws {InputError} when an option is not a whole number in its range
 * @example await writeModel(buildDeepSpeech2({ cell: 'gru', layers: 5, units: 1024 }), 'gru.onnx'); // 260 MB
 */
export function buildDeepSpeech2(options: DeepSpeech2Options = {}): OnnxModel {
  const settings = deepSpeech2Settings(options);
  const { cell, layers, units, channels, bins, classes } = settings;
  const graph = new GraphBuilder(settings.seed);
  const residual = settings.front === 'residual';
  const front = settings.causal
    ? bareSteps(graph, bins)
    : residual
      ? buildResidualConvolutions(graph, channels, bins, units)
      : buildConvolutions(graph, channels, bins);
  const lengths32 = graph.node('Cast', [front.lengths], 'lengths.int32', { to: DTYPE_CODE.int32 });
  let x = front.steps;
  let width = front.width;
  // What a clipped rectifier passes of a signal of power 2 and, for the residual front, GELU of power 1.
  let inputPower = residual ? 0.42 : 1;
  for (let index = 0; index < layers; index++) {
    const name = `layer${index}`;
    if (residual) x = gelu(graph, `${name}.gelu`, layerNorm(graph, `${name}.norm`, x, width));
    const directions = settings.causal ? 'forward' : residual ? 'concat' : 'sum';
    x = buildRecurrentLayer(graph, name, x, lengths32, { cell, units, inputs: width, inputPower, directions });
    width = directions === 'concat' ? 2 * units : units;
    inputPower = residual ? 0.42 : (directions === 'sum' ? 2 : 1) * STATE_POWER[cell];
  }
  let power = residual ? STATE_POWER[cell] : inputPower;
  if (residual) {
    x = gelu(graph, 'classifier.gelu', linear(graph, 'classifier', x, width, units, 1 / (width * power)));
    width = units;
    power = 0.42;
  }
  const logits = linear(graph, 'labels', x, width, classes, LOGIT_DEVIATION ** 2 / (width * power));
  const bySteps = graph.node('LogSoftmax', [logits], 'labels.by_step', { axis: -1 });
  graph.node('Transpose', [bySteps], 'log_probabilities', { perm: [1, 0, 2] });
  graph.node('Identity', [front.lengths], 'output_lengths');
  return assemble(graph, settings);
}

/** The features themselves, steps first. */
function bareSteps(graph: GraphBuilder, bins: number): { steps: string; lengths: string; width: number } {
  return {
    steps: graph.node('Transpose', ['features'], 'steps', { perm: [1, 0, 2] }),
    lengths: 'lengths',
    width: bins,
  };
}

/**
 * Fills in the defaults and checks the options.
 *
 * @throws {InputError} when one is not a whole number in its range
 */
export function deepSpeech2Settings(options: DeepSpeech2Options): DeepSpeech2Settings {
  const front = options.front ?? 'deepspeech2';
  const settings: DeepSpeech2Settings = {
    causal: false,
    cell: 'lstm',
    layers: 5,
    units: 1024,
    channels: 32,
    bins: front === 'residual' ? 128 : 161,
    classes: 29,
    seed: 1,
    opset: LOWEST_OPSET,
    ...options,
    front,
  };
  const ranges = {
    layers: [1, 100],
    units: [1, 16_384],
    channels: [1, 1024],
    bins: [1, 8192],
    classes: [2, 100_000],
    seed: [0, 2 ** 32 - 1],
    opset: [LOWEST_OPSET, HIGHEST_OPSET],
  } as const;
  for (const [name, [lowest, highest]] of Object.entries(ranges)) {
    const value = settings[name as keyof typeof ranges];
    if (!Number.isInteger(value) || value < lowest || value > highest) {
      throw new InputError(`${name}: a whole number from ${lowest} to ${highest} was required, got ${value}`);
    }
  }
  if (!(settings.cell in STATE_POWER)) {
    throw new InputError(`cell: lstm, gru or rnn was required, got ${String(settings.cell)}`);
  }
  if (front !== 'deepspeech2' && front !== 'residual') {
    throw new InputError(`front: deepspeech2 or residual was required, got ${String(front)}`);
  }
  return settings;
}

function assemble(graph: GraphBuilder, settings: DeepSpeech2Settings): OnnxModel {
  const { front, causal, cell, layers, units, bins, classes, opset, seed } = settings;
  return graph.model({
    name: 'deepspeech2',
    description: `Deep Speech 2 with random weights: ${causal ? 'no' : front} front, ${layers} × ${causal ? 'forward' : 'bidirectional'} ${cell} ${units}, seed ${seed}`,
    opset,
    inputs: [makeValueInfo('features', 'float32', ['N', 'T', bins]), makeValueInfo('lengths', 'int64', ['N'])],
    outputs: [
      makeValueInfo('log_probabilities', 'float32', ['N', 'steps', classes]),
      makeValueInfo('output_lengths', 'int64', ['N']),
    ],
  });
}
