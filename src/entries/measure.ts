/**
 * Measuring: speed, accuracy, memory, energy, load, cost and the machine; whole experiments; and what each layer gives and costs.
 *
 * @example
 * ```ts
 * import { bootstrapMedian, compareTexts } from 'quantlab/measure';
 *
 * const [said, heard] = ['please hold the line', 'please hold a line'];
 * const { sameText } = compareTexts([{ reference: said, text: said }], [{ reference: said, text: heard }]);
 * console.log(sameText, bootstrapMedian([3, 1, 2]).value); // 0 2
 * ```
 *
 * @packageDocumentation
 */

export type { SearchResult } from '../compress/search.js';
export type { LayerSensitivity } from '../compress/sensitivity.js';
export { activationsOnSpeech } from '../experiment/activations.js';
export { compareModels, type ModelComparison, type ValueComparison } from '../experiment/compareModels.js';
export { type FinishedRun, readFinishedRun } from '../experiment/finishedRun.js';
export { mergeRuns } from '../experiment/merge.js';
export {
  DEFAULT_MODEL,
  DEFAULT_PROTOCOL,
  defaultPlan,
  type ExperimentPlan,
  manifestPath,
  type PlanOptions,
  readPlan,
} from '../experiment/plan.js';
export type { NodeTimes } from '../experiment/profile.js';
export { type RunOptions, type RunProgress, runExperiment } from '../experiment/runner.js';
export type {
  AccuracySummary,
  Comparison,
  Condition,
  ConditionSummary,
  Device,
  Environment,
  Estimate,
  LatencySummary,
  Observation,
  Outcome,
  Phase,
  Protocol,
  RunRecord,
  Summary,
  ThroughputSummary,
} from '../experiment/schema.js';
export { type SearchOnSpeechOptions, searchOnSpeech } from '../experiment/search.js';
export { type SensitivityOnSpeechOptions, sensitivityOnSpeech } from '../experiment/sensitivity.js';
export { profileOnSpeech, type SpeechOptions } from '../experiment/speechRunner.js';
export { type Heard, summarizeAccuracy } from '../measure/accuracy.js';
export {
  type BenchOptions,
  bench,
  type EvaluateOptions,
  evaluate,
  type ModelBench,
  type ModelEvaluation,
  type ModelOptions,
} from '../measure/bench.js';
export {
  type BreakEven,
  breakEven,
  CLUSTER_CLAIM,
  costOfOwn,
  costOnGpu,
  costOnInstance,
  costPer1000Hours,
  type Fleet,
  fleetFor,
  nodesOf,
  type TranscriptionCost,
} from '../measure/cost/cost.js';
export { type InstancePrice, readPrices } from '../measure/cost/prices.js';
export { type EnergyOptions, type EnergyResult, type EnergySummary, measureEnergy } from '../measure/energy/energy.js';
export {
  measureOffline,
  type OfflineOptions,
  type OfflinePass,
  type OfflineReport,
  summarizeOffline,
} from '../measure/load/offline.js';
export {
  measureResultCaching,
  type ResultCachingOptions,
  type ResultCachingReport,
} from '../measure/load/resultCaching.js';
export { measureServer, measureServers, type ServerOptions, type ServerReport } from '../measure/load/server.js';
export { type LoadTimeOptions, type LoadTimeReport, measureLoadTime } from '../measure/loadTime.js';
export { defaultThreads } from '../measure/machine/environment.js';
export {
  type HardwareOptions,
  type MachineLimits,
  measureHardware,
  threadCounts,
} from '../measure/machine/hardware.js';
export { checkProviders, type ProviderCheck } from '../measure/machine/providers.js';
export { measureRoofline, type Roofline, type RooflineOptions } from '../measure/machine/roofline.js';
export { type MemoryOptions, type MemorySummary, measureMemory } from '../measure/memory/memory.js';
export { findSmallestLimit, type LimitResult } from '../measure/memory/memoryLimit.js';
export { type ModelSize, measureModelSize } from '../measure/memory/modelSize.js';
export type { SpeedUp } from '../measure/speedUp.js';
export {
  type BootstrapOptions,
  bootstrap,
  bootstrapMean,
  bootstrapMedian,
  bootstrapRatio,
} from '../measure/statistics/bootstrap.js';
export { earlyStoppingPercentile, type PercentileBound } from '../measure/statistics/earlyStopping.js';
export {
  type MatchedPairsTest,
  matchedPairsTest,
  type SegmentErrors,
  segmentErrors,
} from '../measure/statistics/matchedPairs.js';
export { findStability, type Stability } from '../measure/statistics/stability.js';
export { compareTexts, type TextComparison } from '../measure/textComparison.js';
