import { create } from '@bufbuild/protobuf';
import { TypeProtoSchema, type ValueInfoProto, ValueInfoProtoSchema } from 'onnx-buf';
import { DTYPE_CODE, type Dtype } from '../tensor/dtype.js';

/**
 * Describes an input or output of a graph.
 *
 * @param shape - dimensions: numbers where they are fixed, names where they are not
 */
export function makeValueInfo(name: string, dtype: Dtype, shape: readonly (number | string)[]): ValueInfoProto {
  const dim = shape.map((size) =>
    typeof size === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
      : { value: { case: 'dimParam' as const, value: size } },
  );
  const type = create(TypeProtoSchema, {
    value: { case: 'tensorType', value: { elemType: DTYPE_CODE[dtype], shape: { dim } } },
  });
  return create(ValueInfoProtoSchema, { name, type });
}
