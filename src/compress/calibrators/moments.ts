import { InputError } from '../../errors.js';
import { copyModel } from '../../onnx/graph/copy.js';
import { NameSource } from '../../onnx/graph/names.js';
import { makeNode } from '../../onnx/graph/node.js';
import type { OnnxModel } from '../../onnx/model.js';
import { DTYPE_CODE } from '../../onnx/tensor/dtype.js';
import { makeTensor } from '../../onnx/tensor/tensor.js';
import type { RecipeResources } from '../pass.js';
import type { NormalGraph } from '../rewrite/normalGraph.js';
import { floatValue } from '../static/staticPlan.js';

/** A float32 value of a graph, whose last places, `size` of them, are looked at together. */
export interface Watched {
  readonly value: string;
  /** How many places: of the last axis, or of the last ones together. */
  readonly size: number;
  /** In which order its axes are put before. */
  readonly perm?: readonly number[] | undefined;
}

/** The order of axes in which the channels, the second axis, are last. */
export function channelsLast(rank: number): readonly number[] {
  return [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
}

/** What the places of a value are like, over all that goes through it. */
export interface Moments {
  readonly size: number;
  /** How many rows of them were seen. */
  readonly rows: number;
  /** Sum, over those, of the products of each two places: [size, size]. */
  readonly products: Float64Array;
}

/** Moments of what was watched; values that were not finite have none. */
export type MomentsOf = (watched: Watched) => Moments | undefined;

/** A calibration set that has fewer rows of a value than the value has places. */
export class CalibrationTooSmall extends InputError {}

/**
 * Measures the second moments of values over a calibration set. The runtime itself multiplies, in float32, a run after the other;
 * the runs are added in float64.
 *
 * @param title - what needs them, for errors: `pruning of units`
 * @throws {InputError} when there is no calibration set; {@link CalibrationTooSmall} when it has fewer rows than a value has places
 */
export async function measureMoments(
  graph: NormalGraph,
  all: readonly Watched[],
  { samples, memory }: RecipeResources,
  title: string,
): Promise<MomentsOf> {
  if (samples === undefined) {
    throw new InputError(
      `calibrated: a calibration set was required by ${title}, got none; give the model a card, or arrays with --inputs`,
    );
  }
  const found = memory?.of<Moments>(graph.model) ?? new Map<string, Moments>();
  const wanted = new Map(all.map((one) => [keyOf(one), one]));
  const watched = [...wanted.values()].filter((one) => !found.has(keyOf(one)));
  if (watched.length === 0) return (one) => found.get(keyOf(one));
  const { model, names } = showMoments(graph, watched);
  const sums = watched.map(({ size }) => ({ size, rows: 0, products: new Float64Array(size * size) }));
  for await (const sample of samples(
    model,
    names.flatMap(({ products, count }) => [products, count]),
  )) {
    for (const [index, sum] of sums.entries()) {
      const { products = '', count = '' } = names[index] ?? {};
      sum.rows += (sample[count]?.[0] ?? 0) / sum.size;
      const values = sample[products] ?? new Float32Array();
      for (const [i, value] of values.entries()) sum.products[i] = (sum.products[i] ?? 0) + value;
    }
  }
  for (const [index, one] of watched.entries()) {
    const { value, size } = one;
    const moments = sums[index] as Moments;
    if (moments.rows < size) {
      throw new CalibrationTooSmall(
        `calibration: at least ${size} rows of ${value}, one for each of its places, were required by ${title}, got ${moments.rows}; give more recordings or arrays`,
      );
    }
    if (moments.products.every(Number.isFinite)) found.set(keyOf(one), moments);
  }
  return (one) => found.get(keyOf(one));
}

function keyOf({ value, size, perm }: Watched): string {
  return JSON.stringify([value, size, perm]);
}

/** The model with the moments of values among its outputs: of each value the products and how many numbers it had. */
function showMoments(
  graph: NormalGraph,
  watched: readonly Watched[],
): { model: OnnxModel; names: readonly { readonly products: string; readonly count: string }[] } {
  const source = new NameSource(graph.model.proto);
  const nodes = [...graph.graph.node];
  const initializer = [...graph.graph.initializer];
  const names = watched.map(({ value, size, perm }) => {
    const name = (what: string): string => source.value(`${value}_${what}`);
    const [shape, rows, columns, products, size64, count] = [
      'shape',
      'rows',
      'columns',
      'products',
      'size',
      'count',
    ].map(name) as [string, string, string, string, string, string];
    initializer.push(makeTensor(shape, 'int64', [2], BigInt64Array.of(-1n, BigInt(size))));
    let read = value;
    if (perm !== undefined) {
      read = name('turned');
      nodes.push(makeNode('Transpose', [value], [read], { attributes: { perm } }));
    }
    nodes.push(
      makeNode('Reshape', [read, shape], [rows]),
      makeNode('Transpose', [rows], [columns], { attributes: { perm: [1, 0] } }),
      makeNode('MatMul', [columns, rows], [products]),
      makeNode('Size', [value], [size64]),
      makeNode('Cast', [size64], [count], { attributes: { to: DTYPE_CODE.float32 } }),
    );
    return { products, count };
  });
  const shown = names.flatMap(({ products, count }) => [floatValue(products, 2), floatValue(count, 0)]);
  const output = [...graph.graph.output, ...shown];
  return { model: copyModel(graph.model, { node: nodes, initializer, output }), names };
}
