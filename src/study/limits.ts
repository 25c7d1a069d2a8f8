/**
 * How large plans and results may be: far above what anybody means, and low enough that a slip or a hostile file costs seconds, not
 * the machine. The same for plans as for what is read back.
 */
export const LIMITS = {
  /** Trials of a run, of all conditions together. */
  trials: 500_000,
  /** Conditions; tables and figures show all of them beside each other. */
  conditions: 500,
  batchSize: 4096,
  warmUpRuns: 10_000,
  starts: 1000,
  threads: 1024,
  shards: 100_000,
  /** Characters of a title. */
  title: 500,
} as const;
