/** How much longer than need be the slowest stage may take, so that fewer bytes cross. */
const SLACK = 0.1;

/**
 * Chooses where a row of nodes is cut: such that the stage that costs most costs as little as can be, and, of all that come within a
 * tenth of it, where the fewest bytes cross.
 *
 * @param costs - of each node, in any unit
 * @param crossingBytes - of each node: bytes that cross where a stage begins with it; infinite where none can
 * @param stages - how many are wanted, at least 1
 * @returns index of the first node of each stage but the first, ascending; `null` where so many stages cannot be cut
 * @example chooseCuts([1, 1, 1, 1], [0, 8, 4, 8], 2) // [2]
 */
export function chooseCuts(
  costs: readonly number[],
  crossingBytes: readonly number[],
  stages: number,
): readonly number[] | null {
  const sums = [0];
  for (const cost of costs) sums.push((sums.at(-1) ?? 0) + cost);
  const between = (from: number, to: number): number => (sums[to] ?? 0) - (sums[from] ?? 0);
  const places = [...costs.keys()].filter(
    (at) => at > 0 && Number.isFinite(crossingBytes[at] ?? Number.POSITIVE_INFINITY),
  );

  const fewest = leastBy(places, costs.length, stages, (from, to, before) => Math.max(before, between(from, to)));
  if (fewest === null) return null;
  const limit = fewest.value * (1 + SLACK);
  const leanest = leastBy(places, costs.length, stages, (from, to, before) =>
    between(from, to) > limit ? Number.POSITIVE_INFINITY : before + (to < costs.length ? (crossingBytes[to] ?? 0) : 0),
  );
  return (leanest ?? fewest).cuts;
}

/**
 * The division of a row whose worth is least, by dynamic programming over the places where it may be cut.
 *
 * @param worth - of a division that ends with a stage from one place to another, from the worth of what is before
 */
function leastBy(
  places: readonly number[],
  length: number,
  stages: number,
  worth: (from: number, to: number, before: number) => number,
): { readonly value: number; readonly cuts: readonly number[] } | null {
  const ends = [...places, length];
  // Of the divisions of the nodes before each end into one stage more at each turn.
  let best = ends.map((end) => ({ value: worth(0, end, 0), cuts: [] as readonly number[] }));
  for (let stage = 1; stage < stages; stage++) {
    best = ends.map((end, index) => {
      let least = { value: Number.POSITIVE_INFINITY, cuts: [] as readonly number[] };
      for (let at = 0; at < index; at++) {
        const [start, before] = [ends[at] ?? 0, best[at]];
        if (before === undefined || before.cuts.length !== stage - 1) continue;
        const value = worth(start, end, before.value);
        if (value < least.value) least = { value, cuts: [...before.cuts, start] };
      }
      return least;
    });
  }
  const whole = best.at(-1);
  return whole !== undefined && Number.isFinite(whole.value) ? whole : null;
}
