/**
 * Compress ONNX speech recognisers, and measure what it gains and what it costs.
 *
 * The exports stand in the order in which data flows: speech, model, ONNX files, compression, measurement, experiment, report.
 *
 * @packageDocumentation
 */

// compress: graph in, smaller graph out
export { type Compressed, quantizeDynamic } from './compress/dynamic.js';
export type { DynamicOpType, QuantizeDynamicOptions } from './compress/dynamicOptions.js';
export type { WeightType } from './compress/params.js';
export type { CompressedWeight, CompressionReport, Granularity, LeftNode, LeftWeight } from './compress/report.js';
export { InputError, QuantlabError, UnavailableError, UsageError } from './errors.js';
// experiment: conditions, the runner, the results
export { defaultPlan, type ExperimentPlan, type PlanOptions, readPlan } from './experiment/plan.js';
export { type RunOptions, type RunProgress, runExperiment } from './experiment/runner.js';
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
  RecipeName,
  RunRecord,
  Summary,
  ThroughputSummary,
} from './experiment/schema.js';
export { RESULTS_SCHEMA } from './experiment/schema.js';
export { summarize, summarizeRun } from './experiment/summarize.js';
// model: cards, the registry, the recogniser
export { type CardFigure, type CardFile, type CardTensors, type ModelCard, readCard } from './model/card.js';
export {
  type BatchRecognition,
  type LogProbabilities,
  type Recognition,
  Recognizer,
  type RecognizerOptions,
  type Timing,
} from './model/recognizer.js';
export { listModels, type RegistryOptions, type ResolvedModel, resolveModel } from './model/registry.js';
export type { ExecutionProvider, SessionOptions } from './model/session.js';
export {
  type TranscribedSegment,
  type TranscribeOptions,
  type Transcript,
  transcribe,
  transcribeFile,
} from './model/transcribe.js';
// onnx: model files
export { type InitializerSummary, inspectModel, type ModelSummary, type ValueSummary } from './onnx/inspect.js';
export type { OnnxModel } from './onnx/model.js';
export { modelFromBytes, readModel } from './onnx/read.js';
export { modelToBytes, writeModel } from './onnx/write.js';
// report: table, figures, the post's numbers
export { answerOf } from './report/answer.js';
export type { Figure, Json, JsonObject, PlotlySpec, Scheme } from './report/figure.js';
export { buildFigures } from './report/figures.js';
export { type FinishedRun, readFinishedRun } from './report/run.js';
export { type AnswerTable, buildAnswerTable } from './report/table.js';
export { type Report, type WriteReportOptions, writeReport } from './report/writeReport.js';
// speech: audio in, text out, and how wrong it is
export { readAudio, readAudioChunks } from './speech/audio.js';
export {
  type Corpus,
  type CorpusOnDisk,
  type CorpusProgress,
  type GetCorpusOptions,
  getCorpus,
  listCorpora,
} from './speech/corpora.js';
export { decodeGreedy } from './speech/ctc.js';
export { createFrontEnd, type FeatureExtractor } from './speech/features.js';
export { readManifest } from './speech/manifest.js';
export { resample } from './speech/resample.js';
export { type Segment, type SegmentOptions, splitAtSilence } from './speech/segments.js';
export { normaliseTranscript } from './speech/transcript.js';
export type {
  Audio,
  Decoding,
  EditCounts,
  Features,
  FrontEnd,
  LogSpectrogramFrontEnd,
  Utterance,
} from './speech/types.js';
export { countCharacterEdits, countWordEdits, errorRate } from './speech/wer.js';
