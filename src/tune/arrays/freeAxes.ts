import { didYouMean, InputError } from '../../errors.js';
import type { GraphValue } from '../../recognise/session/modelSession.js';

/** Steps of an axis that is neither a batch nor told. */
const USUAL_SIZE = 128;

/** Names of axes that count recordings, pictures or requests. */
const BATCH = /batch|^[bn]$/i;

/** Names of axes that are as long as what goes in, even where they stand first. */
const LONG = /seq|time|len|frame|sample|width|height|token/i;

/** Whether an axis may have any size. Exporters write a name, nothing, `?` or a number below 0. */
export function isFree(size: number | string | undefined): boolean {
  return typeof size !== 'number' || size < 0;
}

/** How an axis is called: by its name, else by its input and place, `input.1`. */
function nameOf({ name, shape }: GraphValue, axis: number): string {
  const size = shape[axis];
  return typeof size === 'string' && /\w/.test(size) ? size : `${name}.${axis}`;
}

/**
 * Sizes for the axes that a graph leaves free. One that counts recordings (by its name; or the first, or the first free one
 * without a name) is 1, any other 128, if nothing else is asked for.
 *
 * @param asked - sizes by the names of axes; an axis without one is called by its input and place, `input.1`
 * @returns by the names of the axes
 * @throws {InputError} when a size is asked for an axis that the graph does not have
 */
export function sizesOfFreeAxes(
  path: string,
  inputs: readonly GraphValue[],
  asked: Readonly<Record<string, number>>,
): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const input of inputs) {
    const first = input.shape.findIndex(isFree);
    for (const [axis, size] of input.shape.entries()) {
      if (!isFree(size)) continue;
      const name = nameOf(input, axis);
      const isNamed = name === size;
      const isBatch = isNamed ? BATCH.test(name) || (axis === 0 && !LONG.test(name)) : axis === first;
      sizes.set(name, asked[name] ?? sizes.get(name) ?? (isBatch ? 1 : USUAL_SIZE));
    }
  }
  const known = [...sizes.keys()];
  for (const name of Object.keys(asked)) {
    if (sizes.has(name)) continue;
    throw new InputError(
      `${path}: an axis of any size was required, got ${name}; it has ${known.join(', ') || 'none'} ${didYouMean(name, known)}`.trimEnd(),
    );
  }
  return sizes;
}

/** The shape of an input with its free axes filled in. */
export function shapeOf(input: GraphValue, sizes: ReadonlyMap<string, number>): readonly number[] {
  return input.shape.map((size, axis) => (isFree(size) ? (sizes.get(nameOf(input, axis)) ?? 1) : Number(size)));
}
