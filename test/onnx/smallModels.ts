import { create } from '@bufbuild/protobuf';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  OperatorSetIdProtoSchema,
  type TensorProto,
} from 'onnx-buf';
import { makeValueInfo } from '../../src/onnx/graph/valueInfo.js';
import type { OnnxModel } from '../../src/onnx/model.js';
import type { Dtype } from '../../src/onnx/tensor/dtype.js';

/** What a small model is made of. */
export interface SmallModel {
  readonly nodes: readonly NodeProto[];
  readonly inputs: Readonly<Record<string, readonly [Dtype, readonly (number | string)[]]>>;
  readonly outputs: Readonly<Record<string, readonly [Dtype, readonly (number | string)[]]>>;
  readonly weights?: readonly TensorProto[];
  readonly opset?: number;
}

/** Builds a model for a test. */
export function smallModel(parts: SmallModel): OnnxModel {
  const graph = create(GraphProtoSchema, {
    name: 'small',
    node: [...parts.nodes],
    input: Object.entries(parts.inputs).map(([name, [dtype, shape]]) => makeValueInfo(name, dtype, shape)),
    output: Object.entries(parts.outputs).map(([name, [dtype, shape]]) => makeValueInfo(name, dtype, shape)),
    initializer: [...(parts.weights ?? [])],
  });
  const opset = create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(parts.opset ?? 17) });
  return { proto: create(ModelProtoSchema, { irVersion: 8n, opsetImport: [opset], graph }), path: '<small>' };
}

/** Seeded numbers about zero, for weights (a linear congruential generator: the same on every machine). */
export function weightValues(count: number, seed: number, scale = 0.3): Float32Array {
  let state = (seed * 2_654_435_761) >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 31 - 1) * scale;
  });
}
