import type { Tensor } from '../../../runtime.js';
import type { Features } from '../../../speech/types.js';
import { type LoadedGraph, requireNames } from '../../session/modelSession.js';
import type { CardTensors, CtcCard } from './card.js';
import { bindInputs, type InputBinding, layOutInputs } from './inputTensors.js';
import { bindScores, type LogProbabilities, readScores, type ScoresBinding } from './outputTensors.js';

/**
 * How a graph's tensors carry what its card says: features in, log-probabilities out. Checked once, when the graph is loaded,
 * against what the graph says of its inputs and outputs.
 */
export class GraphTensors {
  readonly #card: CtcCard;
  readonly #path: string;
  readonly #inputs: InputBinding;
  readonly #scores: ScoresBinding;

  /**
   * @param card - of the model
   * @param graph - as it was loaded
   * @throws {InputError} when the graph has not the tensors that the card names, has inputs that it does not name, or has them in
   *   a type or shape that cannot be served
   */
  constructor(card: CtcCard, graph: LoadedGraph) {
    requireNames(graph.path, 'outputs', graph.outputs, outputNames(card.tensors));
    this.#card = card;
    this.#path = graph.path;
    this.#inputs = bindInputs(card, graph);
    this.#scores = bindScores(card, graph, this.#inputs.batchAxis);
  }

  /** Whether recordings can go through the graph together: it knows their lengths, and says how long its answers are. */
  get takesBatches(): boolean {
    return this.#inputs.takesBatches;
  }

  /** The longest recording that the graph surely hears, in seconds; `undefined` where any length will do. */
  get longestS(): number | undefined {
    const { fixedFrames } = this.#inputs;
    const { frontEnd } = this.#card;
    const hopSamples = frontEnd.kind === 'waveform' ? 1 : frontEnd.hopSamples;
    // Ends that are filled up make a frame more than there are hops.
    return fixedFrames === undefined ? undefined : ((fixedFrames - 1) * hopSamples) / frontEnd.sampleRateHz;
  }

  /** Names of the outputs that are read. */
  get outputs(): readonly string[] {
    return outputNames(this.#card.tensors);
  }

  /**
   * Lays the features of several recordings out as the tensors that the graph reads. Shorter recordings, and those shorter than a
   * graph of fixed length reads, are padded with zeros.
   *
   * @param features - of one recording or more; of one where the graph takes no batches
   * @throws {InputError} when there are none, more than the graph can tell apart, or one that is longer than the graph hears
   */
  feeds(features: readonly Features[]): Record<string, Tensor> {
    return layOutInputs(this.#card, this.#path, this.#inputs, features);
  }

  /**
   * Takes what the graph gave apart into the log-probabilities of each recording.
   *
   * @param outputs - of the run
   * @param frames - of each recording
   * @returns natural logarithms, each step's summing to one as probabilities
   * @throws {InputError} when the tensors are not what the card promises, hold NaN, or are no scores of the kind that it names
   */
  read(outputs: Readonly<Record<string, Tensor | undefined>>, frames: readonly number[]): LogProbabilities[] {
    const padded = this.#inputs.fixedFrames ?? Math.max(...frames);
    return readScores(this.#card, this.#path, this.#scores, outputs, { frames, padded });
  }
}

function outputNames({ logProbabilities, outputLengths }: CardTensors): string[] {
  return outputLengths === undefined ? [logProbabilities] : [logProbabilities, outputLengths];
}
