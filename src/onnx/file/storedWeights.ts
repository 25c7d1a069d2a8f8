import type { FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto } from 'onnx-buf';
import { constantValue } from '../graph/constants.js';
import { attributeOf, isOp } from '../graph/node.js';
import { modelBodies } from '../graph/subgraphs.js';

/** A weight that a model stores, wherever it stands. */
export interface StoredWeight {
  readonly name: string;
  /** Its elements; those that are not zero, of a sparse one. */
  readonly tensor: TensorProto;
  /** Places of the elements, of a sparse one. */
  readonly indices?: TensorProto;
  /** Dimensions of a sparse one. */
  readonly dims?: readonly bigint[];
}

/**
 * Every weight that a model stores: dense and sparse initializers and `Constant` nodes of the main graph, of all graphs
 * nested in it, and of its functions.
 */
export function* storedWeights(model: ModelProto): Generator<StoredWeight> {
  for (const body of modelBodies(model)) {
    yield* initializersOf(body);
    for (const node of body.node) if (isOp(node, 'Constant')) yield* constantOf(node);
  }
}

function* initializersOf(body: GraphProto | FunctionProto): Generator<StoredWeight> {
  if (!('initializer' in body)) return;
  for (const tensor of body.initializer) yield { name: tensor.name, tensor };
  for (const { values, indices, dims } of body.sparseInitializer) {
    if (values !== undefined) yield { name: values.name, tensor: values, dims, ...(indices && { indices }) };
  }
}

function* constantOf(node: NodeProto): Generator<StoredWeight> {
  const name = node.output[0] ?? '';
  const sparse = attributeOf(node, 'sparse_value')?.sparseTensor;
  if (sparse?.values !== undefined) {
    const { values, indices, dims } = sparse;
    yield { name, tensor: values, dims, ...(indices && { indices }) };
  }
  const tensor = constantValue(node, name);
  if (tensor !== undefined) yield { name, tensor };
}
