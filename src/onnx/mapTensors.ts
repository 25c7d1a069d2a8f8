import type { AttributeProto, GraphProto, NodeProto, TensorProto } from 'onnx-buf';
import { copyMessage } from './copy.js';

/** A copy of a graph, nested graphs included, each of whose stored tensors is replaced; shared where nothing changes. */
export function mapTensors(graph: GraphProto, change: (tensor: TensorProto) => TensorProto): GraphProto {
  const initializer = graph.initializer.map(change);
  const node = graph.node.map((one) => mapNode(one, change));
  const same =
    initializer.every((tensor, index) => tensor === graph.initializer[index]) &&
    node.every((one, index) => one === graph.node[index]);
  return same ? graph : copyMessage(graph, { initializer, node });
}

function mapNode(node: NodeProto, change: (tensor: TensorProto) => TensorProto): NodeProto {
  const attribute = node.attribute.map((one) => mapAttribute(one, change));
  return attribute.every((one, index) => one === node.attribute[index]) ? node : copyMessage(node, { attribute });
}

function mapAttribute(attribute: AttributeProto, change: (tensor: TensorProto) => TensorProto): AttributeProto {
  if (attribute.t !== undefined) {
    const t = change(attribute.t);
    return t === attribute.t ? attribute : copyMessage(attribute, { t });
  }
  if (attribute.g !== undefined) {
    const g = mapTensors(attribute.g, change);
    return g === attribute.g ? attribute : copyMessage(attribute, { g });
  }
  const graphs = attribute.graphs.map((graph) => mapTensors(graph, change));
  const tensors = attribute.tensors.map(change);
  const same =
    graphs.every((graph, index) => graph === attribute.graphs[index]) &&
    tensors.every((tensor, index) => tensor === attribute.tensors[index]);
  return same ? attribute : copyMessage(attribute, { graphs, tensors });
}
