import { breakEven, CLUSTER_CLAIM, nodesOf } from '../../measure/cost/cost.js';
import type { InstancePrice } from '../../measure/cost/prices.js';
import { BY_ROWS } from '../../study/plan.js';
import type { Summary } from '../../study/schema.js';
import type { Json, JsonObject } from '../figures/figure.js';
import { formatQuantity, shareOf, verdictOf } from '../metric.js';
import { ENERGY, MEASURES } from '../metrics.js';
import { cheapestCost, speedsOf } from '../tables/costOf.js';
import { formatEstimate, formatMegabytes, formatNumber, formatPercent } from '../tables/format.js';
import { gapsOf, type Measured, measuredOf, type Pair, pairsOf } from '../tables/measured.js';
import { answerOf } from './answer.js';

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
  const [pair = null, ...beside] = pairsOf(summary, prices);
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
    conditions: summary.conditions.map(({ condition: { id, title }, outcome }) => ({
      id,
      title,
      status: outcome.status,
      reason: outcome.status === 'measured' ? null : outcome.reason,
    })),
    pair: pair && pairData(pair),
    beside: beside.map((other) => ({ model: other.base.entry.condition.model, ...pairData(other) })),
    by_rows: byRowsData(summary, prices),
    energy: pair && energyData(pair),
    cost: costData(summary, prices),
  };
}

/** The float model and its variant in all measures, by their ids, and how the variant stands to it. */
function pairData({ base, variant }: Pair): JsonObject {
  const compared = MEASURES.flatMap(({ id, comparison }): [string, JsonObject][] => {
    const quantity = comparison?.of(variant.entry, base.entry) ?? null;
    if (comparison === undefined || quantity === null) return [];
    const { neutral, format } = comparison;
    return [[id, { value: formatQuantity(quantity, format), verdict: verdictOf(quantity, neutral) }]];
  });
  const sameText = variant.entry.comparison?.sameText ?? null;
  return {
    base: conditionData(base),
    variant: conditionData(variant),
    comparison: Object.fromEntries(compared),
    same_text_percent: sameText === null ? null : formatNumber(sameText * 100, 1),
  };
}

/** Int8 that hears alike in every batch, of each model beside its float32. */
function byRowsData(summary: Summary, prices: readonly InstancePrice[]): Json {
  const all = measuredOf(summary, prices);
  return all.flatMap((variant): JsonObject[] => {
    const { condition, comparison } = variant.entry;
    const base = all.find(({ id }) => id === comparison?.base);
    if (condition.recipe !== BY_ROWS || base === undefined) return [];
    return [{ model: condition.model, ...pairData({ base, variant }) }];
  });
}

function conditionData({ title, entry, outcome, latency }: Measured): JsonObject {
  const measures = MEASURES.flatMap(({ id, of, format }): [string, string][] => {
    const quantity = of(entry);
    return quantity === null ? [] : [[id, formatQuantity(quantity, format)]];
  });
  const memory = outcome.memory?.withArena;
  const texts = entry.throughput?.texts;
  return {
    title,
    ...Object.fromEntries(measures),
    batches: texts
      ? {
          heard: texts.heard,
          changed: texts.changed,
          rounds: texts.rounds,
          wer: texts.wer && `${formatPercent(texts.wer.lowest)} to ${formatPercent(texts.wer.highest)}`,
        }
      : null,
    // What the model adds to a process without one.
    model_mb: memory ? formatMegabytes(Math.max(0, memory.afterRuns.peakBytes - memory.baseline.residentBytes)) : null,
    inference_share_percent: formatNumber((100 * latency.inferenceMs) / latency.meanMs.value, 0),
  };
}

function energyData({ base, variant }: Pair): Json {
  const { energy } = variant.outcome;
  const before = base.outcome.energy;
  if (!before || !energy) return null;
  const { estimated, method, scope, citation } = energy.source;
  const share = shareOf(ENERGY, variant.entry, base.entry);
  return {
    base: formatEstimate(before.joulesPerUtterance, two),
    variant: formatEstimate(energy.joulesPerUtterance, two),
    estimated,
    // Time times a constant: no evidence of its own.
    is_derived: method === 'constant',
    method,
    scope,
    citation,
    ratio: share && formatEstimate(share, two),
    verdict: share && verdictOf(share, 1),
    watts: formatNumber(energy.meanW, 1),
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
        usd: formatEstimate(cost.usdPer1000Hours, two),
        machine: `${cost.provider} ${cost.instance}`,
        usd_per_hour: two(cost.usdPerHour),
        assumption: cost.assumption,
        arrangement: speed.arrangement ?? null,
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

function two(value: number): string {
  return formatNumber(value, 2);
}
