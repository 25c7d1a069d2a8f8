import { DTYPE_CODE } from '../tensor/dtype.js';
import type { GraphBuilder } from './buildGraph.js';

/** Lengths after a layer that reads every second frame: (lengths + 1) / 2. */
export function halvedLengths(graph: GraphBuilder, name: string, lengths: string): string {
  const sum = graph.node('Add', [lengths, graph.integers(1)], `${name}.length_plus_one`);
  return graph.node('Div', [sum, graph.integers(2)], `${name}.lengths`);
}

/**
 * Ones where a batch holds speech and zeros where it is padded.
 *
 * @param like - a value whose axis `timeAxis` is time
 * @param lengths - int64 [N]
 * @param axes - where the mask, [N, T], gets axes of one to fit the values that it multiplies
 */
export function paddingMask(
  graph: GraphBuilder,
  name: string,
  like: string,
  timeAxis: number,
  lengths: string,
  axes: readonly number[],
): string {
  const shape = graph.node('Shape', [like], `${name}.shape`);
  const steps = graph.node('Gather', [shape, graph.integers(timeAxis)], `${name}.step_count`, { axis: 0 });
  const positions = graph.node('Range', [graph.integers(0), steps, graph.integers(1)], `${name}.positions`);
  const column = graph.node('Unsqueeze', [lengths, graph.integers([1])], `${name}.length_column`);
  const inside = graph.node('Less', [positions, column], `${name}.inside`);
  const mask = graph.node('Cast', [inside], `${name}.mask`, { to: DTYPE_CODE.float32 });
  return graph.node('Unsqueeze', [mask, graph.integers(axes)], `${name}.mask_fitted`);
}
