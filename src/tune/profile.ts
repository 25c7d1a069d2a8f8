import { z } from 'zod';
import { parseJson } from '../files.js';
import { sum } from '../measure/statistics/statistics.js';

/** Milliseconds that one run spends in each node of the main graph, by name and operator; the sum is the model's. */
export type NodeTimes = ReadonlyMap<string, number>;

/** What the profiler itself costs a node, in microseconds: it counts inside loops, where nodes are many and small. */
const PROFILER_COST_US = 2;

const profileSchema = z.array(
  z.object({
    cat: z.string().optional(),
    name: z.string().optional(),
    ts: z.number().optional(),
    dur: z.number().optional(),
    args: z.looseObject({ op_name: z.string().optional() }).optional(),
  }),
);

/**
 * Reads ONNX Runtime's profile: for each node of the main graph its fastest run, which other
 * work on the machine disturbs least. What runs inside a loop counts
 * as part of it, less the profiler's own cost.
 *
 * @param text - the JSON that the runtime wrote
 * @param warmUpRuns - rounds at the beginning that do not count
 * @param runsOfRound - runs that belong together, on other inputs each: their times are summed. Default: 1
 */
export function nodeTimes(text: string, warmUpRuns: number, runsOfRound = 1): NodeTimes {
  const events = parseJson(text, profileSchema, 'profile')
    .flatMap(({ cat, name = '', ts = 0, dur = 0, args }) =>
      cat === 'Node' && name.endsWith('_kernel_time')
        ? [{ key: `${name.slice(0, -'_kernel_time'.length)} ${args?.op_name ?? ''}`, start: ts, end: ts + dur }]
        : [],
    )
    .sort((a, b) => a.start - b.start || b.end - a.end);
  const runs = new Map<string, number[]>();
  let outer: { key: string; end: number } = { key: '', end: -1 };
  for (const { key, start, end } of events) {
    if (end <= outer.end) {
      const list = runs.get(outer.key) ?? [];
      list[list.length - 1] = Math.max(0, (list.at(-1) ?? 0) - PROFILER_COST_US);
      continue;
    }
    outer = { key, end };
    const list = runs.get(key);
    if (list === undefined) runs.set(key, [end - start]);
    else list.push(end - start);
  }
  const times = new Map<string, number>();
  for (const [key, list] of runs) {
    const counted = list.slice(warmUpRuns * runsOfRound);
    if (counted.length === 0) continue;
    const fastest = Array.from({ length: runsOfRound }, (_, place) => {
      const own = counted.filter((_time, index) => index % runsOfRound === place);
      return own.length === 0 ? 0 : Math.min(...own);
    });
    times.set(key, sum(fastest) / 1000);
  }
  return times;
}
