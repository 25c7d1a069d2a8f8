/** How energy was found, from the best to the worst: CodeCarbon's ladder. The last two are estimates. */
export type EnergyMethod = 'rapl' | 'nvidia-smi' | 'powermetrics' | 'rated-power' | 'constant';

/** What stands beside every number of energy. */
export interface EnergySource {
  readonly method: EnergyMethod;
  /** Whether the number was computed from power that nobody measured here. */
  readonly estimated: boolean;
  /** What is in the number, and what is not. */
  readonly scope: string;
  /** Page and date of a figure that was looked up; `null` for a measurement. */
  readonly citation: string | null;
}

/** What ran while energy was counted: estimates need it. */
export interface EnergyUse {
  readonly wallS: number;
  /** Processor time of the process that is measured, all its threads together. */
  readonly cpuS: number;
}

/** Counts energy. */
export interface EnergyMeter {
  readonly source: EnergySource;
  /**
   * Begins to count.
   *
   * @throws {UnavailableError} when what counts does not answer
   */
  start(): Promise<void>;
  /**
   * Energy since the last reading or the start, in joules.
   *
   * @param use - what ran since then
   * @throws {UnavailableError} when what counts no longer answers
   */
  read(use: EnergyUse): Promise<number>;
  /** Ends what counts. */
  stop(): Promise<void>;
}

/** A way that does not work here, and why. */
export interface SkippedMethod {
  readonly method: EnergyMethod;
  readonly reason: string;
}
