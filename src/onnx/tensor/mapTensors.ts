import type { AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto } from 'onnx-buf';
import { copyMessage } from '../graph/copy.js';

/** A copy of a model, functions included, each of whose stored tensors is replaced; shared where nothing changes. */
export function mapModelTensors(model: ModelProto, change: (tensor: TensorProto) => TensorProto): ModelProto {
  const graph = model.graph === undefined ? undefined : mapTensors(model.graph, change);
  const functions = model.functions.map((fn) => {
    const node = fn.node.map((one) => mapNode(one, change));
    return node.every((one, index) => one === fn.node[index]) ? fn : copyMessage(fn, { node });
  });
  const same = graph === model.graph && functions.every((fn, index) => fn === model.functions[index]);
  return same ? model : copyMessage(model, { functions, ...(graph === undefined ? {} : { graph }) });
}

/** A copy of a graph, nested graphs included, each of whose stored tensors is replaced; shared where nothing changes. */
export function mapTensors(graph: GraphProto, change: (tensor: TensorProto) => TensorProto): GraphProto {
  const initializer = graph.initializer.map(change);
  const node = graph.node.map((one) => mapNode(one, change));
  const sparseInitializer = graph.sparseInitializer.map((sparse) => mapSparse(sparse, change));
  const same =
    initializer.every((tensor, index) => tensor === graph.initializer[index]) &&
    sparseInitializer.every((sparse, index) => sparse === graph.sparseInitializer[index]) &&
    node.every((one, index) => one === graph.node[index]);
  return same ? graph : copyMessage(graph, { initializer, sparseInitializer, node });
}

function mapSparse(sparse: SparseTensorProto, change: (tensor: TensorProto) => TensorProto): SparseTensorProto {
  const values = sparse.values && change(sparse.values);
  const indices = sparse.indices && change(sparse.indices);
  if (values === sparse.values && indices === sparse.indices) return sparse;
  return copyMessage(sparse, { ...(values && { values }), ...(indices && { indices }) });
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
