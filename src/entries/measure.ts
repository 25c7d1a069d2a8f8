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

export type { SearchResult } from '../compress/choose/search.js';
export type { LayerSensitivity } from '../compress/choose/sensitivity.js';
export { type Heard, summarizeAccuracy } from '../measure/accuracy/accuracy.js';
export { compareTexts, type TextComparison } from '../measure/accuracy/textComparison.js';
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
  type BenchOptions,
  bench,
  type EvaluateOptions,
  evaluate,
  type ModelBench,
  type ModelEvaluation,
  type ModelOptions,
} from '../measure/latency/bench.js';
export { type LoadTimeOptions, type LoadTimeReport, measureLoadTime } from '../measure/latency/loadTime.js';
export type { SpeedUp } from '../measure/latency/speedUp.js';
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
export { manifestPath } from '../recognise/registry/embedded.js';
export { type FinishedRun, readFinishedRun } from '../study/finishedRun.js';
export { mergeRuns } from '../study/merge.js';
export {
  DEFAULT_MODEL,
  DEFAULT_PROTOCOL,
  defaultPlan,
  type ExperimentPlan,
  type PlanOptions,
  readPlan,
} from '../study/plan.js';
export { type RunOptions, type RunProgress, runExperiment } from '../study/runner.js';
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
} from '../study/schema.js';
export { activationsOnSpeech } from '../tune/activations.js';
export { compareModels, type ModelComparison, type ValueComparison } from '../tune/compareModels.js';
export type { NodeTimes } from '../tune/profile.js';
export { type SearchOnSpeechOptions, searchOnSpeech } from '../tune/search.js';
export { type SensitivityOnSpeechOptions, sensitivityOnSpeech } from '../tune/sensitivity.js';
export { profileOnSpeech, type SpeechOptions } from '../tune/speechRunner.js';
