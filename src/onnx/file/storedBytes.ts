import { toBinary } from '@bufbuild/protobuf';
import { type ModelProto, type NodeProto, NodeProtoSchema } from 'onnx-buf';
import { copyMessage } from '../graph/copy.js';
import { modelNodes, modelTensors } from '../graph/subgraphs.js';
import { storedSizeBytes } from '../tensor/tensor.js';

/** Bytes around a tensor's elements in a file: lengths, type and shape. */
const TENSOR_BYTES = 16;

/**
 * About how many bytes a model's nodes and tensors take in a file, those in external files included: what two forms of
 * one model are compared by before either is written.
 */
export function storedBytes(model: ModelProto): number {
  let bytes = 0;
  for (const tensor of modelTensors(model)) bytes += TENSOR_BYTES + tensor.name.length + storedSizeBytes(tensor);
  for (const node of modelNodes(model)) bytes += nodeBytes(node);
  return bytes;
}

/** Bytes of a node without the graphs and tensors that it holds. */
function nodeBytes(node: NodeProto): number {
  const attribute = node.attribute.filter(
    ({ g, t, graphs, tensors }) => !g && !t && graphs.length + tensors.length === 0,
  );
  // Two bytes begin each message in a list.
  return 2 + toBinary(NodeProtoSchema, copyMessage(node, { attribute })).length;
}
