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
 * @module quantlab/measure
 */

export { type Heard, summarizeAccuracy } from '../measure/accuracy/accuracy.js';
export { compareTexts } from '../measure/accuracy/textComparison.js';
export { breakEven, CLUSTER_CLAIM, costOfOwn, costOnInstance, fleetFor, nodesOf } from '../measure/cost/cost.js';
export { readPrices } from '../measure/cost/prices.js';
export { measureEnergy } from '../measure/energy/energy.js';
export { bench, evaluate, type ModelBench, type ModelEvaluation } from '../measure/latency/bench.js';
export { measureColdStart } from '../measure/latency/coldStart.js';
export { measureCapacity, runLoad } from '../measure/load/load.js';
export { measureResultCaching } from '../measure/load/resultCaching.js';
export { measureServers } from '../measure/load/server.js';
export { readBusyness } from '../measure/machine/busyness.js';
export { defaultThreads, readEnvironment } from '../measure/machine/environment.js';
export { measureHardware, threadCounts } from '../measure/machine/hardware.js';
export { checkProviders } from '../measure/machine/providers.js';
export { measureRoofline } from '../measure/machine/roofline.js';
export { untilQuiet } from '../measure/machine/untilQuiet.js';
export { measureMemory } from '../measure/memory/memory.js';
export { measureModelSize } from '../measure/memory/modelSize.js';
export { bootstrap, bootstrapMedian } from '../measure/statistics/bootstrap.js';
export { measureOffline, summarizeOffline } from '../measure/throughput/offline.js';
export {
  type Pipeline,
  type PipelineOptions,
  type PipelineRun,
  type PipelineStage,
  withPipelines,
} from '../process/pipeline.js';
export { manifestPath } from '../recognise/registry/embedded.js';
export type { GraphSample } from '../recognise/session/graphArrays.js';
export { readFinishedRun } from '../study/finishedRun.js';
export {
  PEERS_SCHEMA,
  type PeerCondition,
  type PeerHearing,
  type PeerResults,
  peersFile,
  readPeers,
  writePeers,
} from '../study/peers.js';
export { DEFAULT_MODEL, DEFAULT_PROTOCOL, defaultPlan, readPlan } from '../study/plan.js';
export { runExperiment } from '../study/runner.js';
export type { Condition, Observation, Summary } from '../study/schema.js';
export { activationsOnSpeech } from '../tune/activations.js';
export { benchOnArrays } from '../tune/arrays/benchOnArrays.js';
export { type CodedGraph, type CodeOptions, codeModel } from '../tune/codeModel.js';
export { compareModels } from '../tune/compareModels.js';
export type { QuantizedGraph, QuantizeOptions } from '../tune/quantizeModel.js';
export { searchOnSpeech } from '../tune/search.js';
export { sensitivityOnSpeech } from '../tune/sensitivity.js';
export { profileOnSpeech } from '../tune/speechRunner.js';
export { benchPipelines, type PipelineBench } from '../tune/split/benchPipelines.js';
export { readSplit, type SplitReport } from '../tune/split/splitFolder.js';
export { splitModel, splitModelDirections } from '../tune/split/splitModel.js';
