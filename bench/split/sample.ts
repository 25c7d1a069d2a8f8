import type { GraphSample } from 'quantlab/measure';
import { inspectModel } from 'quantlab/onnx';

/** One recording of made-up features for a model with an axis of recordings and one of steps. */
export async function madeUpSample(path: string, steps: number): Promise<GraphSample> {
  const { inputs } = await inspectModel(path);
  return Object.fromEntries(
    inputs.map(({ name, dtype, shape }) => {
      const sizes = (shape ?? []).map((size, axis) => (typeof size === 'number' ? size : axis === 0 ? 1 : steps));
      const count = sizes.reduce((product, size) => product * size, 1);
      const data =
        dtype === 'int64'
          ? new BigInt64Array(count).fill(BigInt(steps))
          : Float32Array.from({ length: count }, (_, i) => ((i * 7919) % 1009) / 504.5 - 1);
      return [name, { type: dtype, shape: sizes, data }];
    }),
  );
}
