/**
 * Compress ONNX speech recognisers, and measure what it gains and what it costs.
 *
 * The exports stand by room: `compress`, `experiment`, `model`, `onnx`, `report`, `speech`; CONTRIBUTING.md has the map of the house.
 *
 * @packageDocumentation
 */

export { applyRecipe, type RecipeResources } from './compress/applyRecipe.js';
export { type CalibrationSample, calibrateRanges } from './compress/calibrate.js';
export type { CalibrationMethod, CalibrationOptions } from './compress/calibrators/observer.js';
export type { ValueRange } from './compress/calibrators/range.js';
export { type Compressed, quantizeDynamic } from './compress/dynamic.js';
export type { DynamicOpType, QuantizeDynamicOptions } from './compress/dynamicOptions.js';
export { type CodedTensor, type CodingReport, entropyCode, entropyDecode } from './compress/entropyCode.js';
export { convertToHalf, HALF_BLOCK_LIST, type HalfOptions } from './compress/float16.js';
export { gatherTaps } from './compress/gatherTaps.js';
export {
  byteCounts,
  codedSizeBytes,
  entropyBits,
  type HuffmanCoded,
  huffmanDecode,
  huffmanEncode,
  huffmanLengths,
} from './compress/huffman.js';
export { chooseHybrid, type HybridOptions } from './compress/hybrid.js';
export { type Layer, type LayerChoice, type LayerChoices, type LayerOp, layersOf } from './compress/layers.js';
export { type LayerWeights, layerWeights } from './compress/layerWeights.js';
export {
  type AffineFormat,
  type AffineRange,
  affineError,
  affineFormat,
  affineRange,
  decodeAffine,
  encodeAffine,
} from './compress/numbers/affine.js';
export {
  bitsOf,
  formatNameOf,
  limitsOf,
  type NumberFormat,
  roundToFormat,
  stepOf,
} from './compress/numbers/anyFormat.js';
export {
  affineFormatFor,
  type FormatFit,
  fitFormat,
  fixedFormatFor,
  integerSignalToErrorDb,
} from './compress/numbers/fit.js';
export {
  decodeFixed,
  encodeFixed,
  type FixedFormat,
  type FixedRange,
  fixedError,
  fixedFormat,
  fixedRange,
} from './compress/numbers/fixedPoint.js';
export {
  BFLOAT16,
  decodeFloat,
  encodeFloat,
  FLOAT16,
  FLOAT32,
  type FloatFormat,
  type FloatRange,
  floatError,
  floatRange,
  floatStep,
  roundToFloat,
} from './compress/numbers/floating.js';
export { type RelativeError, relativeErrors } from './compress/numbers/relativeError.js';
export type { WeightType } from './compress/params.js';
export { PRUNED_OP_TYPES, type PrunedOpType, type PruneOptions, pruneWeights } from './compress/pruneWeights.js';
export {
  PRESET_NAMES,
  PRESETS,
  type PresetName,
  type Recipe,
  type RecipeStep,
  readRecipe,
  writeRecipe,
} from './compress/recipe.js';
export { quantizeRecurrent } from './compress/recurrent.js';
export type { QuantizeRecurrentOptions, RecurrencePrecision, RecurrentOpType } from './compress/recurrentOptions.js';
export type { CompressedWeight, CompressionReport, Granularity, LeftNode, LeftWeight } from './compress/report.js';
export type { RecipeScore, SearchResult, SearchTrial } from './compress/search.js';
export type { LayerSensitivity } from './compress/sensitivity.js';
export { signalToErrorDb } from './compress/signalToError.js';
export { quantizeStatic } from './compress/static.js';
export type { QuantizeStaticOptions, StaticOpType } from './compress/staticOptions.js';
export { type CalibrationPlan, planCalibration } from './compress/staticPlan.js';
export { quantizeWeightOnly } from './compress/weightOnly.js';
export type { QuantizeWeightOnlyOptions, WeightOnlyOpType } from './compress/weightOnlyOptions.js';
export { InputError, QuantlabError, UnavailableError, UsageError } from './errors.js';
export { activationsOnSpeech } from './experiment/activations.js';
export { type CalibrateOptions, calibrator } from './experiment/calibrate.js';
export { type CheckRunOptions, checkRun, type RunCheck } from './experiment/checkRun.js';
export { compareOnSpeech, type ModelComparison, type ValueComparison } from './experiment/compareModels.js';
export { type FinishedRun, readFinishedRun } from './experiment/finishedRun.js';
export {
  type FiledTopic,
  type LayerEffect,
  readTopic,
  type TitledRoofline,
  TOPICS,
  type Topic,
  type TopicRecord,
  type TopicResults,
} from './experiment/laboratory.js';
export { FULL_LABORATORY, type LaboratoryProtocol, SHORT_LABORATORY } from './experiment/laboratoryProtocol.js';
export { type LaboratoryOptions, measureTopic, variantsPlan } from './experiment/measureLaboratory.js';
export { type MergeOptions, mergeRuns } from './experiment/merge.js';
export {
  DEFAULT_MODEL,
  DEFAULT_PROTOCOL,
  defaultPlan,
  type ExperimentPlan,
  languageModelFor,
  languageModelPath,
  manifestPath,
  type PlanOptions,
  readPlan,
} from './experiment/plan.js';
export type { NodeTimes } from './experiment/profile.js';
export { verifyRun } from './experiment/runFolder.js';
export { type RunOptions, type RunProgress, runExperiment } from './experiment/runner.js';
export type {
  AccuracySummary,
  Comparison,
  Condition,
  ConditionSummary,
  Device,
  EnergyRecord,
  Environment,
  Estimate,
  LatencySummary,
  MeasuredOutcome,
  MemoryRecord,
  Observation,
  Outcome,
  Phase,
  Protocol,
  ResourceProtocol,
  RunRecord,
  Summary,
  ThroughputSummary,
} from './experiment/schema.js';
export { type ConditionInputs, RESULTS_SCHEMA, type ShardRecord } from './experiment/schema.js';
export { type SearchOnSpeechOptions, searchOnSpeech } from './experiment/search.js';
export {
  type MeasuredHybrid,
  measuredHybrid,
  type SensitivityOnSpeechOptions,
  sensitivityOnSpeech,
} from './experiment/sensitivity.js';
export type { SpeechOptions } from './experiment/speechRunner.js';
export { profileOnSpeech } from './experiment/speechRunner.js';
export { summarize, summarizeRun } from './experiment/summarize.js';
export { makeVariant, type Variant } from './experiment/variants.js';
export { type Heard, summarizeAccuracy } from './measure/accuracy.js';
export {
  type BenchOptions,
  benchModels,
  type EvaluateOptions,
  evaluateModels,
  type ModelBench,
  type ModelEvaluation,
  type ModelOptions,
} from './measure/bench.js';
export {
  type BreakEven,
  breakEven,
  CLUSTER_CLAIM,
  type ClusterClaim,
  costOfOwn,
  costOnGpu,
  costOnInstance,
  costPer1000Hours,
  type Fleet,
  fleetFor,
  type MeasuredSpeed,
  nodesOf,
  type TranscriptionCost,
} from './measure/cost/cost.js';
export { type InstancePrice, readPrices } from './measure/cost/prices.js';
export { type EnergyOptions, type EnergyResult, type EnergySummary, measureEnergy } from './measure/energy/energy.js';
export type { EnergyLadderOptions } from './measure/energy/energyLadder.js';
export { type ChosenMeter, chooseEnergyMeter } from './measure/energy/energyLadder.js';
export type {
  EnergyMeter,
  EnergyMethod,
  EnergySource,
  EnergyUse,
  SkippedMethod,
} from './measure/energy/energyMeter.js';
export { type AssumedPower, type PowerTable, type RatedPower, readPowerTable } from './measure/energy/ratedPower.js';
export type { RealTimeFactors } from './measure/latency.js';
export {
  type Arrangement,
  type ArrangementOptions,
  nameArrangement,
  planArrangements,
} from './measure/load/arrangements.js';
export { type LoadOptions, type LoadResult, runLoad, type Server } from './measure/load/load.js';
export {
  type ArrangementResult,
  measureOffline,
  type OfflineOptions,
  type OfflinePass,
  type OfflineReport,
  summarizeOffline,
} from './measure/load/offline.js';
export {
  type HitCost,
  type HitRatePoint,
  measureResultCaching,
  type ResultCachingOptions,
  type ResultCachingReport,
} from './measure/load/resultCaching.js';
export {
  measureServer,
  measureServers,
  type ServedRate,
  type ServerOptions,
  type ServerReport,
} from './measure/load/server.js';
export { serviceAt } from './measure/load/serviceAt.js';
export { type LoadTimeOptions, type LoadTimeReport, measureLoadTime } from './measure/loadTime.js';
export type { Confinement } from './measure/machine/confinement.js';
export { defaultThreads } from './measure/machine/environment.js';
export type { FrequencyScaling } from './measure/machine/frequency.js';
export {
  type Bandwidth,
  type HardwareOptions,
  type MachineLimits,
  measureHardware,
  threadCounts,
} from './measure/machine/hardware.js';
export type { MachineLoad } from './measure/machine/machineLoad.js';
export { checkProviders, type ProviderCheck, type ProviderOptions } from './measure/machine/providers.js';
export { measureRoofline, type Roofline, type RooflineOptions } from './measure/machine/roofline.js';
export { countWork, type NodeWork } from './measure/machine/work.js';
export { type MemoryOptions, type MemoryStages, type MemorySummary, measureMemory } from './measure/memory/memory.js';
export {
  findSmallestLimit,
  type LimitMethod,
  type LimitOptions,
  type LimitResult,
  runWithinLimit,
  SMALL_DEVICE_BYTES,
  type SmallestLimitOptions,
} from './measure/memory/memoryLimit.js';
export { type ModelSize, measureModelSize, type TypeSize } from './measure/memory/modelSize.js';
export type { ProcessMemory } from './measure/process/processMemory.js';
export type { Trial } from './measure/process/protocol.js';
export type { Shard } from './measure/process/schedule.js';
export type { TurnMethod } from './measure/process/turns.js';
export { compareTimes, type SpeedUp, type TimedTrial } from './measure/speedUp.js';
export {
  type BootstrapOptions,
  bootstrap,
  bootstrapMean,
  bootstrapMedian,
  bootstrapRatio,
  bootstrapRatioByGroup,
} from './measure/statistics/bootstrap.js';
export {
  boundPercentile,
  earlyStoppingPercentile,
  earlyStoppingRank,
  fewestTrials,
  type PercentileBound,
} from './measure/statistics/earlyStopping.js';
export {
  type MatchedPairsTest,
  matchedPairsTest,
  type SegmentErrors,
  segmentErrors,
} from './measure/statistics/matchedPairs.js';
export { findStability, type Outliers, type Stability } from './measure/statistics/stability.js';
export { compareTexts, type TextComparison } from './measure/textComparison.js';
export { TIMING_VERSION, type Timed } from './measure/timingVersion.js';
export { writeBuiltCard } from './model/builtCard.js';
export {
  type CachedRecognition,
  CachedRecognizer,
  type CachedRecognizerOptions,
  KEPT_KINDS,
  RESULT_KINDS,
  type ResultKind,
} from './model/cachedRecognizer.js';
export type { CardFigure, CardFile, CardOnDisk, CardTensors, CardTraining, ModelCard } from './model/card.js';
export {
  type BeamWeights,
  createDecoder,
  type Decoder,
  type DecoderOptions,
  readBeamWeights,
} from './model/decoder.js';
export { GraphTensors } from './model/graphTensors.js';
export { type GraphValue, type LoadedGraph, ModelSession } from './model/modelSession.js';
export { keepOptimized, type OptimizedModel, type OptimizedSurroundings } from './model/optimizedModel.js';
export { readCard } from './model/readCard.js';
export {
  type BatchRecognition,
  type LogProbabilities,
  type Recognition,
  Recognizer,
  type RecognizerOptions,
  type Timing,
} from './model/recognizer.js';
export { listModels, type RegistryOptions, type ResolvedModel, resolveModel } from './model/registry.js';
export { ResultCache, type ResultCacheCounts, type ResultCacheOptions } from './model/resultCache.js';
export { type ExecutionProvider, openSession, type SessionOptions } from './model/session.js';
export {
  type Listener,
  type TranscribedSegment,
  type TranscribeOptions,
  type Transcript,
  transcribe,
  transcribeFile,
} from './model/transcribe.js';
export { type ScoredUtterance, tuneBeam, type WeightTrial } from './model/tuneBeam.js';
export { writeVariantCard } from './model/variantCard.js';
export { type Aligned, alignConvolutions } from './onnx/alignConvolutions.js';
export {
  buildDeepSpeech2,
  type DeepSpeech2Options,
  type DeepSpeech2Settings,
  deepSpeech2Settings,
} from './onnx/build.js';
export { type ChannelsLast, readChannelsLast } from './onnx/channelsLast.js';
export { type InitializerSummary, inspectModel, type ModelSummary, type ValueSummary } from './onnx/inspect.js';
export type { OnnxModel } from './onnx/model.js';
export { modelFromBytes, readModel } from './onnx/read.js';
export { describeSimplification, type Simplified, type SimplifyReport, simplifyModel } from './onnx/simplify.js';
export { modelToBytes, writeModel } from './onnx/write.js';
export { answerOf } from './report/answer.js';
export { type BitsSeries, bitsFigure } from './report/bitsFigure.js';
export { cachingFigure } from './report/cachingFigure.js';
export {
  type Candidate,
  candidatesOf,
  commonMetrics,
  METRICS,
  type Metric,
  type Priorities,
  paretoFront,
  recommend,
} from './report/choosing.js';
export { choosingFigure } from './report/choosingFigure.js';
export { breakEvenFigure, costFigure } from './report/costFigure.js';
export { type ConditionSpeed, cheapestCost, speedsOf } from './report/costOf.js';
export { buildTable, type DataTable, type TableCells, type TableOptions } from './report/dataTable.js';
export { type EnergyRow, energyFigure } from './report/energyFigure.js';
export { type ErrorsRow, errorsFigure } from './report/errorsFigure.js';
export type { Figure, Json, JsonObject, PlotlySpec, Scheme } from './report/figure.js';
export { buildFigures } from './report/figures.js';
export { type Distribution, histogramFigure } from './report/histogramFigure.js';
export { type PrecisionSeries, precisionFigure } from './report/precisionFigure.js';
export { type RooflineRow, rooflineFigure } from './report/rooflineFigure.js';
export { type SensitivityRow, sensitivityFigure } from './report/sensitivityFigure.js';
export { serverFigure } from './report/serverFigure.js';
export { type SpectrogramAxes, spectrogramFigure } from './report/spectrogramFigure.js';
export { buildAnswerTable } from './report/table.js';
export { tableToHtml, tableToMarkdown, tableToText } from './report/tableText.js';
export { throughputFigure } from './report/throughputFigure.js';
export { type VariantAxis, variantsFigure } from './report/variantsFigure.js';
export { type WrittenFigures, writeFigures } from './report/writeFigures.js';
export { type Report, type WriteReportOptions, writeReport } from './report/writeReport.js';
export { type ServiceAnswer, type ServiceError, type ServiceOptions, TranscriptionService } from './service/service.js';
export {
  type AlignedPair,
  type AlignmentOperation,
  type AlignmentTextOptions,
  alignCharacters,
  alignWords,
  formatAlignment,
} from './speech/alignmentView.js';
export { readArpa, writeArpa } from './speech/arpa.js';
export { type ReadAudioOptions, readAudio, readAudioChunks } from './speech/audio.js';
export { BEAM_SEARCH_DEFAULTS, type BeamDecoding, BeamSearch, type BeamSearchOptions } from './speech/beamSearch.js';
export { type Confusion, type Confusions, countConfusions } from './speech/confusions.js';
export {
  type Corpus,
  type CorpusOnDisk,
  type CorpusProgress,
  type GetCorpusOptions,
  getCorpus,
  listCorpora,
} from './speech/corpora.js';
export { decodeGreedy } from './speech/ctc.js';
export { encodeWav } from './speech/encodeWav.js';
export { createFrontEnd, type FeatureExtractor } from './speech/features.js';
export { type KneserNeyOptions, trainKneserNey } from './speech/kneserNey.js';
export { readManifest } from './speech/manifest.js';
export { fitMixture, mixModels } from './speech/mixModels.js';
export type { NgramModel } from './speech/ngram.js';
export type { Ngram } from './speech/ngramTree.js';
export { createNormaliser, NORMALISER_NAMES, type NormaliserName } from './speech/normaliser.js';
export { type HearOptions, type LeftOut, readRecording, readUtterances } from './speech/recordings.js';
export { resample } from './speech/resample.js';
export { type Segment, type SegmentOptions, splitAtSilence } from './speech/segments.js';
export { timeWords } from './speech/timeStamps.js';
export { normaliseTranscript } from './speech/transcript.js';
export {
  readTranscriptPairs,
  TRANSCRIPT_FORMATS,
  type TranscriptFormat,
  type TranscriptPair,
} from './speech/transcriptFile.js';
export type {
  Audio,
  Decoding,
  EditCounts,
  FeatureScale,
  Features,
  FrontEnd,
  KaldiFilterBankFrontEnd,
  LogMelFrontEnd,
  LogSpectrogramFrontEnd,
  Recording,
  Utterance,
  WaveformFrontEnd,
  WordTime,
} from './speech/types.js';
export {
  countCharacterEdits,
  countWordEdits,
  type ErrorMeasures,
  errorMeasures,
  errorRate,
  ratesOf,
} from './speech/wer.js';
