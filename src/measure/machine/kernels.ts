import { create } from '@bufbuild/protobuf';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  OperatorSetIdProtoSchema,
  type TensorProto,
} from 'onnx-buf';
import { makeNode } from '../../onnx/graph/node.js';
import { makeValueInfo } from '../../onnx/graph/valueInfo.js';
import type { OnnxModel } from '../../onnx/model.js';
import type { Dtype } from '../../onnx/tensor/dtype.js';
import { makeTensor } from '../../onnx/tensor/tensor.js';
import type { KernelInput } from '../../process/protocol.js';

/** A small graph that shows one limit of a machine. */
export interface Kernel {
  readonly model: OnnxModel;
  readonly inputs: readonly KernelInput[];
  /** Operations of a run (a multiply-add is two), or bytes that it reads. */
  readonly work: number;
}

/** Side of the square matrices whose product shows the peak of arithmetic: large enough to hide the memory, over in a few milliseconds. */
const SIDE = 512;

/** Bytes that a run of a chain reads at least: long enough to hide the cost of a call. */
const CHAIN_BYTES = 64 * 2 ** 20;
const LONGEST_CHAIN = 128;

const OPSET = 17;

/** Product of two matrices, in float32 or of unsigned and signed bytes. */
export function productKernel(dtype: 'float32' | 'int8', side: number = SIDE): Kernel {
  const count = side * side;
  const weights =
    dtype === 'float32'
      ? makeTensor(
          'b',
          'float32',
          [side, side],
          Float32Array.from({ length: count }, (_, i) => (i % 17) / 17 - 0.5),
        )
      : makeTensor(
          'b',
          'int8',
          [side, side],
          Int8Array.from({ length: count }, (_, i) => (i % 255) - 127),
        );
  const [opType, input, output] =
    dtype === 'float32' ? (['MatMul', 'float32', 'float32'] as const) : (['MatMulInteger', 'uint8', 'int32'] as const);
  const shape = [side, side];
  return {
    model: assemble([makeNode(opType, ['a', 'b'], ['y'])], [weights], [['a', input, shape]], ['y', output, shape]),
    inputs: [{ name: 'a', dtype: input, shape }],
    work: 2 * side ** 3,
  };
}

/**
 * Reads a matrix of a given size again and again, as a recurrence does: rows times the same matrix, one behind another.
 *
 * @param setBytes - size of the matrix
 */
export function readingKernel(setBytes: number): Kernel {
  const side = Math.max(8, Math.round(Math.sqrt(setBytes / 4)));
  const length = Math.max(1, Math.min(LONGEST_CHAIN, Math.round(CHAIN_BYTES / (4 * side * side))));
  const nodes = Array.from({ length }, (_, step) =>
    makeNode('MatMul', [step === 0 ? 'x' : `h${step}`, 'w'], [step === length - 1 ? 'y' : `h${step + 1}`]),
  );
  return {
    model: assemble(
      nodes,
      [],
      [
        ['x', 'float32', [1, side]],
        ['w', 'float32', [side, side]],
      ],
      ['y', 'float32', [1, side]],
    ),
    inputs: [
      { name: 'x', dtype: 'float32', shape: [1, side] },
      { name: 'w', dtype: 'float32', shape: [side, side] },
    ],
    work: 4 * side * side * length,
  };
}

/** Reads a vector once: its largest value. */
export function maximumKernel(setBytes: number): Kernel {
  const count = Math.round(setBytes / 4);
  const node = makeNode('ReduceMax', ['x'], ['y'], { attributes: { keepdims: 0 } });
  return {
    model: assemble([node], [], [['x', 'float32', [count]]], ['y', 'float32', []]),
    inputs: [{ name: 'x', dtype: 'float32', shape: [count] }],
    work: 4 * count,
  };
}

/** The smallest model that does real work, to see whether an execution provider opens it and where it runs. */
export function probeKernel(): Kernel {
  return productKernel('float32', 16);
}

type Value = readonly [name: string, dtype: Dtype, shape: readonly number[]];

function assemble(
  nodes: readonly NodeProto[],
  initializers: readonly TensorProto[],
  inputs: readonly Value[],
  output: Value,
): OnnxModel {
  const proto = create(ModelProtoSchema, {
    irVersion: 8n,
    producerName: 'quantlab',
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(OPSET) })],
    graph: create(GraphProtoSchema, {
      name: 'kernel',
      node: [...nodes],
      initializer: [...initializers],
      input: inputs.map((value) => makeValueInfo(...value)),
      output: [makeValueInfo(...output)],
    }),
  });
  return { proto, path: '<built>' };
}
