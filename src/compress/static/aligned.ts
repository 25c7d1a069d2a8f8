import { alignConvolutions } from '../../onnx/graph/alignConvolutions.js';
import { readChannelsLast } from '../../onnx/graph/channelsLast.js';
import { mainGraph } from '../../onnx/model.js';
import { gatherConstants } from '../../onnx/normalForm/gatherConstants.js';
import { withoutStaleTypes } from '../../onnx/normalForm/simplify.js';
import type { NormalGraph } from '../rewrite/normalGraph.js';

/**
 * A model in the form that static quantization starts from: between transposes, a quantized convolution would be slower
 * than it was, so its transposes go first. Who compares layers of the float model with quantized ones takes both from here:
 * what a convolution gave between its transposes is in no quantized model.
 */
export function alignedForIntegers(graph: NormalGraph): NormalGraph {
  const aligned = readChannelsLast(alignConvolutions(graph.model).model).model;
  if (aligned === graph.model) return graph;
  // Transposes that turn back what another turned have become an `Identity`: no part of the normal form.
  return graph.with({ graph: withoutStaleTypes(gatherConstants(mainGraph(aligned)).graph) });
}
