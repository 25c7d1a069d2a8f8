import type { Comparison, ConditionSummary, MemoryRecord, Summary } from '../experiment/schema.js';
import { breakEven, CLUSTER_CLAIM, nodesOf } from '../measure/cost/cost.js';
import type { InstancePrice } from '../measure/cost/prices.js';
import { answerOf, verdictOf } from './answer.js';
import { cheapestCost, speedsOf } from './costOf.js';
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
import { gapsOf, type Pair, pairOf } from './measured.js';

/**
 * The numbers of the write-up, each under a name and already formatted (units are in the prose): the prose refers to them by
 * name, so none is typed. What depends on the sign of a result is given as a verdict: `above`, `below` or `undecided`.
 *
 * @param summary - summary of a run
 * @param summarySha256 - of its file: a test compares it, so that old numbers are found out
 * @param prices - of machines to rent, for the cost
 */
export function postDataOf(summary: Summary, summarySha256: string, prices: readonly InstancePrice[] = []): JsonObject {
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
    energy: pair && energyData(pair),
    cost: costData(summary, prices),
  };
}

function energyData({ base, variant }: Pair): Json {
  const [was, is] = [base.outcome.energy, variant.outcome.energy];
  if (!was || !is) return null;
  const { source } = is;
  const ratio = is.comparison?.base === base.id ? is.comparison.ratio : null;
  return {
    estimated: source.estimated,
    method: source.method,
    scope: source.scope,
    citation: source.citation,
    ratio: ratio && formatEstimate(ratio, (value) => formatNumber(value, 2)),
    verdict: ratio && verdictOf(ratio, 1),
    watts: formatNumber(is.meanW, 1),
  };
}

function costData(summary: Summary, prices: readonly InstancePrice[]): Json {
  const gpus = prices.filter(({ kind }) => kind === 'gpu');
  const rows = speedsOf(summary).flatMap((speed): JsonObject[] => {
    const cost = cheapestCost(speed, prices);
    if (cost === null) return [];
    const [gpu] = gpus;
    const even = gpu && breakEven(cost, gpu);
    return [
      {
        condition: speed.condition,
        title: speed.title,
        usd: formatEstimate(cost.usdPer1000Hours, (value) => formatNumber(value, 2)),
        machine: `${cost.provider} ${cost.instance}`,
        usd_per_hour: formatNumber(cost.usdPerHour, 2),
        assumption: cost.assumption,
        citation: cost.citation,
        gpu: gpu ? `${gpu.provider} ${gpu.instance} (${gpu.hardware})` : null,
        even_audio_s_per_s: even ? formatNumber(even.audioSPerS.value, 0) : null,
        even_machines: even ? formatNumber(even.cpuMachinesForThePrice, 1) : null,
      },
    ];
  });
  if (rows.length === 0) return null;
  const { priceRatio, speedRatio } = nodesOf(CLUSTER_CLAIM);
  return {
    rows,
    claim: {
      cpu_nodes: CLUSTER_CLAIM.cpuNodes,
      gpu_nodes: CLUSTER_CLAIM.gpuNodes,
      gain_percent: formatNumber(100 * CLUSTER_CLAIM.gain, 0),
      price_ratio: formatNumber(priceRatio, 1),
      speed_ratio: formatNumber(speedRatio, 1),
    },
  };
}

function memoryData(memory: MemoryRecord): JsonObject {
  const { baseline, loaded, afterRuns } = memory.withArena;
  return {
    baseline_mb: formatMegabytes(baseline.residentBytes),
    loaded_mb: formatMegabytes(loaded.residentBytes),
    peak_mb: formatMegabytes(afterRuns.peakBytes),
    model_mb: formatMegabytes(Math.max(0, afterRuns.peakBytes - baseline.residentBytes)),
    without_arena_mb: formatMegabytes(memory.withoutArena.afterRuns.peakBytes),
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
    load_ms: outcome.status === 'measured' ? formatMs(outcome.loadMs) : null,
    memory: outcome.status === 'measured' && outcome.memory ? memoryData(outcome.memory) : null,
    joules:
      outcome.status === 'measured' && outcome.energy
        ? formatEstimate(outcome.energy.joulesPerUtterance, (value) => formatNumber(value, 2))
        : null,
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
