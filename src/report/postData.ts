import type { Comparison, ConditionSummary, Summary } from '../experiment/schema.js';
import { answerOf, verdictOf } from './answer.js';
import type { Json, JsonObject } from './figure.js';
import {
  formatEstimate,
  formatFactor,
  formatMegabytes,
  formatMs,
  formatNumber,
  formatPercent,
  formatPoints,
} from './format.js';
import { gapsOf, pairOf } from './measured.js';

/**
 * The numbers of the write-up, each under a name and already formatted (units are in the prose): the prose refers to them by
 * name, so none is typed. What depends on the sign of a result is given as a verdict: `above`, `below` or `undecided`.
 *
 * @param summary - summary of a run
 * @param summarySha256 - of its file: a test compares it, so that old numbers are found out
 */
export function postDataOf(summary: Summary, summarySha256: string): JsonObject {
  const { protocol, environment, startedAt } = summary.run;
  const pair = pairOf(summary);
  return {
    source: { schema: summary.schema, summary_sha256: summarySha256, started_at: startedAt },
    answer: answerOf(summary),
    gaps: [...gapsOf(summary)],
    machine: {
      cpu: environment.cpu,
      logical_cores: environment.logicalCores,
      instruction_sets: environment.instructionSets.join(', '),
      memory_gb: formatNumber(environment.memoryBytes / 1e9, 1),
      platform: environment.platform,
      node: environment.node,
      runtime: environment.packages['onnxruntime-node'] ?? null,
      commit: environment.commit,
    },
    protocol: {
      latency_trials: protocol.latencyTrials,
      throughput_trials: protocol.throughputTrials,
      batch_size: protocol.batchSize,
      warm_up_gpu: protocol.warmUpRuns.gpu,
      warm_up_cpu: protocol.warmUpRuns.cpu,
      seed: protocol.seed,
      utterances: pair?.base.accuracy.utterances ?? null,
      words: pair?.base.accuracy.words ?? null,
    },
    conditions: summary.conditions.map(conditionData),
    pair: pair && {
      base: conditionData(pair.base.entry),
      variant: conditionData(pair.variant.entry),
      comparison: pair.variant.entry.comparison && comparisonData(pair.variant.entry.comparison),
    },
  };
}

function conditionData(entry: ConditionSummary): JsonObject {
  const { condition, outcome, latency, throughput, accuracy, beamAccuracy } = entry;
  const inferenceShare = latency ? latency.inferenceMs / latency.meanMs.value : 0;
  return {
    id: condition.id,
    title: condition.title,
    status: outcome.status,
    reason: outcome.status === 'measured' ? null : outcome.reason,
    threads: condition.threads,
    size_mb: outcome.status === 'measured' ? formatMegabytes(outcome.sizeBytes) : null,
    latency: latency && {
      mean_ms: formatEstimate(latency.meanMs, formatMs),
      median_ms: formatEstimate(latency.medianMs, formatMs),
      p90_ms: latency.p90Ms === null ? null : formatMs(latency.p90Ms),
      features_ms: formatMs(latency.featuresMs),
      inference_ms: formatMs(latency.inferenceMs),
      decoding_ms: formatMs(latency.decodingMs),
      inference_share_percent: formatNumber(inferenceShare * 100, 0),
      real_time_factor: formatNumber(latency.realTimeFactor, 4),
    },
    throughput: throughput && {
      utterances_per_s: formatEstimate(throughput.utterancesPerS, (value) => formatNumber(value, 1)),
      audio_s_per_s: formatEstimate(throughput.audioSPerS, (value) => formatNumber(value, 1)),
    },
    accuracy: accuracy && {
      wer_percent: formatEstimate(accuracy.wer, formatPercent),
      cer_percent: formatEstimate(accuracy.cer, formatPercent),
      substitutions: accuracy.substitutions,
      deletions: accuracy.deletions,
      insertions: accuracy.insertions,
      beam_wer_percent: beamAccuracy ? formatEstimate(beamAccuracy.wer, formatPercent) : null,
    },
  };
}

function comparisonData(comparison: Comparison): Json {
  return {
    latency_speed_up: formatEstimate(comparison.latencySpeedUp, formatFactor),
    latency_verdict: verdictOf(comparison.latencySpeedUp, 1),
    throughput_speed_up: formatEstimate(comparison.throughputSpeedUp, formatFactor),
    throughput_verdict: verdictOf(comparison.throughputSpeedUp, 1),
    compression: formatFactor(comparison.compression),
    is_smaller: comparison.compression > 1,
    wer_change_points: comparison.werChange && formatEstimate(comparison.werChange, formatPoints),
    beam_wer_change_points: comparison.beamWerChange ? formatEstimate(comparison.beamWerChange, formatPoints) : null,
    wer_verdict: comparison.werChange && verdictOf(comparison.werChange, 0),
    same_text_percent: comparison.sameText === null ? null : formatNumber(comparison.sameText * 100, 1),
  };
}
