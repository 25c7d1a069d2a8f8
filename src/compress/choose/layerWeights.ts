import { didYouMean, InputError } from '../../errors.js';
import type { OnnxModel } from '../../onnx/model.js';
import { shapeOf, tensorFloats } from '../../onnx/tensor/tensor.js';
import { weightInputs } from '../pass.js';
import { NormalGraph } from '../rewrite/normalGraph.js';
import { layersOfGraph } from './layers.js';

/** A weight matrix (or kernel) of a layer. */
export interface LayerWeights {
  readonly name: string;
  /** As stored: an LSTM's are [directions, 4 × units, inputs], its gates in the order input, output, forget, cell. */
  readonly shape: readonly number[];
  /** Row-major, as float32. */
  readonly values: Float32Array;
}

/**
 * The weights of a layer, biases apart: one matrix, or of a recurrent layer that of the input and that of the recurrence.
 *
 * @param node - name of one of {@link layersOf}
 * @throws {InputError} when there is no such layer
 */
export function layerWeights(original: OnnxModel, node: string): readonly LayerWeights[] {
  const graph = NormalGraph.enter(original);
  const layers = layersOfGraph(graph);
  const layer = layers.find((one) => one.node === node);
  const found = graph.graph.node.find(({ name }) => name === node);
  if (layer === undefined || found === undefined) {
    const known = layers.map((one) => one.node);
    const hint = didYouMean(node, known) || 'name one of them';
    throw new InputError(`layer: one of ${known.join(', ') || 'no layers'} was required, got ${node}; ${hint}`);
  }
  return weightInputs(layer.opType).flatMap((place) => {
    const weight = graph.constantOf(found.input[place] ?? '');
    return weight === undefined
      ? []
      : [{ name: weight.name, shape: shapeOf(weight.tensor), values: tensorFloats(weight.tensor) }];
  });
}
