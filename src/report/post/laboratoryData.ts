import { MARGIN } from '../../measure/accuracy/accuracyTest.js';
import type { InstancePrice } from '../../measure/cost/prices.js';
import { ratiosWithin, simulateP95 } from '../../measure/load/queue.js';
import { seedOfTurn } from '../../measure/load/server.js';
import { mean, quantile } from '../../measure/statistics/statistics.js';
import { DEFAULT_SEED } from '../../random.js';
import type { FinishedRun } from '../../study/finishedRun.js';
import type { LaboratoryResults } from '../../study/laboratory.js';
import { DEFAULT_MODEL } from '../../study/plan.js';
import { NO_RECIPE, type Summary } from '../../study/schema.js';
import type { Json, JsonObject } from '../figures/figure.js';
import { estimateOf, formatQuantity, verdictOf } from '../metric.js';
import { METRICS } from '../metrics.js';
import { pricedConditions } from '../tables/costOf.js';
import { buildTable, type DataTable, withoutEmpty } from '../tables/dataTable.js';
import {
  formatEstimate,
  formatFactor,
  formatMegabytes,
  formatMs,
  formatNumber,
  formatPercent,
  NO_NUMBER,
} from '../tables/format.js';
import { CARES, type Candidate, candidatesOf, paretoFront, recommend } from './choosing.js';
import { techniquesData } from './techniques.js';

/**
 * The numbers of the laboratory for the write-up, formatted, each under a name; a topic that was not measured is `null`.
 *
 * @param prices - of machines to rent, for the cost of variants
 */
export function laboratoryDataOf(laboratory: FinishedRun | null, prices: readonly InstancePrice[]): JsonObject {
  const run = laboratory?.summary.run;
  const { environment } = run ?? {};
  const topics = run?.laboratory ?? {};
  return {
    source: laboratory && { summary_sha256: laboratory.summarySha256 },
    machine: environment
      ? {
          cpu: environment.cpu,
          logical_cores: environment.logicalCores,
          instruction_sets: environment.instructionSets.join(', '),
          node: environment.node,
          runtime: environment.packages['onnxruntime-node'] ?? null,
        }
      : null,
    hardware: hardwareData(topics),
    throughput: throughputData(topics),
    load: loadData(topics),
    caching: cachingData(topics),
    sensitivity: sensitivityData(topics),
    techniques: laboratory && techniquesData(laboratory.summary),
    variants: laboratory && variantsData(laboratory.summary, prices),
  };
}

function hardwareData({ hardware }: LaboratoryResults): Json {
  const limits = hardware?.limits.at(-1);
  if (hardware === undefined || limits === undefined) return null;
  const giga = (value: number): string => formatNumber(value / 1e9, value < 1e11 ? 1 : 0);
  const rates = limits.bandwidths.map(({ bytesPerS }) => bytesPerS);
  return {
    threads: limits.threads,
    float32_giga: giga(limits.float32PerS),
    int8_giga: giga(limits.int8PerS),
    int8_gain: formatFactor(limits.int8PerS / limits.float32PerS),
    memory_gb_per_s: giga(rates.at(-1) ?? 0),
    cache_gb_per_s: giga(Math.max(...rates)),
    refused: [...(hardware.refused ?? [])],
    // Results of earlier versions may hold a bound that was exceeded: it is no bound.
    rows: hardware.roofline
      .filter(({ share }) => share <= 1)
      .map((row) => ({
        title: row.title,
        bound_ms: formatMs(row.boundMs),
        fastest_ms: formatMs(row.fastestMs),
        arithmetic_ms: formatMs(row.arithmeticMs),
        memory_ms: formatMs(row.memoryMs),
        share_percent: formatNumber(100 * row.share, 0),
        limit: row.arithmeticMs > row.memoryMs ? 'arithmetic' : 'memory',
      })),
  };
}

function throughputData({ throughput }: LaboratoryResults): Json {
  if (throughput === undefined) return null;
  const whole = (value: number): string => formatNumber(value, 0);
  return {
    rows: throughput.map(({ model, best, equals, results, utterances, audioS }) => {
      const single = results.find(({ arrangement }) => arrangement.streams === 1 && arrangement.batchSize === 1);
      const { streams, threads } = results[0]?.arrangement ?? {};
      const asBest = results.filter(
        ({ arrangement: one }) => one.streams === streams && one.threads === threads && one.sorted,
      );
      return {
        title: model,
        best,
        equals: [...equals],
        utterances,
        audio_s: whole(audioS),
        rtfx: results[0] ? formatEstimate(results[0].rtfx, whole) : null,
        batches: asBest
          .sort((a, b) => a.arrangement.batchSize - b.arrangement.batchSize)
          .map(({ arrangement, rtfx, accuracy }) => ({
            size: arrangement.batchSize,
            rtfx: whole(rtfx.value),
            wer: formatNumber(accuracy.wer.value * 100, 2),
          })),
        single: single?.name ?? null,
        single_rtfx: single ? formatEstimate(single.rtfx, whole) : null,
      };
    }),
  };
}

/** Bounds of the 95th percentile that the load is told for: from little more than the longest recording takes, to a second. */
const BOUNDS_MS: readonly number[] = [150, 200, 300, 500, 1000];

function loadData({ load }: LaboratoryResults): Json {
  if (load === undefined) return null;
  const [one, other] = load;
  const starts = [one?.serviceMs ?? [], other?.serviceMs ?? []] as const;
  const within = ratiosWithin(...starts, one?.streams ?? 1, BOUNDS_MS);
  return {
    bound_ms: formatNumber(one?.boundMs ?? 0, 0),
    requests: one?.rates[0]?.requests ?? null,
    streams: one?.streams ?? null,
    rows: load.map(({ model, highestPerS, capacityPerS }) => ({
      title: model,
      highest_per_s: highestPerS === null ? null : formatNumber(highestPerS, 1),
      capacity_per_s: formatNumber(capacityPerS, 1),
    })),
    starts: starts[0].length,
    bounds: within.map((row) => ({
      bound_ms: formatNumber(row.boundMs, 0),
      base_per_s: formatNumber(row.basePerS, 0),
      other_per_s: formatNumber(row.otherPerS, 0),
      ratio: formatEstimate(row.ratio, formatFactor),
    })),
    within:
      within
        .filter(({ boundMs }) => boundMs === one?.boundMs)
        .map(({ ratio }) => formatEstimate(ratio, formatFactor))[0] ?? null,
    check: checkOf(load),
    capacity_ratio: one && other ? formatFactor(other.capacityPerS / one.capacityPerS) : null,
  };
}

/** How many times the simulated 95th percentiles the measured ones are, with the same requests: the median, and the extremes. */
function checkOf(load: NonNullable<LaboratoryResults['load']>): string | null {
  const ratios = load.flatMap(({ serviceMs = [], streams, rates }) => {
    const [first] = serviceMs;
    if (first === undefined || streams === null) return [];
    const means = first.map((_, recording) => mean(serviceMs.map((start) => start[recording] ?? 0)));
    return rates.map(
      ({ ratePerS, requests, p95Ms }, turn) =>
        p95Ms / simulateP95(means, streams, { ratePerS, requests, seed: seedOfTurn(DEFAULT_SEED, turn) }),
    );
  });
  if (ratios.length === 0) return null;
  const [low, value, high] = [0, 0.5, 1].map((share) => quantile(ratios, share)) as [number, number, number];
  return formatEstimate({ value, low, high }, (ratio) => formatNumber(ratio, 2));
}

function cachingData({ caching }: LaboratoryResults): Json {
  if (caching === undefined) return null;
  return {
    load: caching.load.map((row) => ({
      title: row.model,
      plain_ms: formatEstimate(row.plainMs, formatMs),
      optimized_ms: formatEstimate(row.optimizedMs, formatMs),
      speed_up: formatEstimate(row.speedUp, formatFactor),
      to_first: formatEstimate(row.speedUpToFirst, formatFactor),
      verdict: verdictOf(row.speedUpToFirst, 1),
      size_mb: formatMegabytes(row.sizeBytes),
      optimized_mb: formatMegabytes(row.optimizedBytes),
    })),
    results: caching.results.map(({ model, plainMs, points }) => {
      const all = points.find(({ hitRate }) => hitRate === 1);
      return {
        title: model,
        plain_ms: formatEstimate(plainMs, formatMs),
        hit_ms: all ? formatEstimate(all.meanMs, formatMs) : null,
      };
    }),
  };
}

function sensitivityData({ sensitivity }: LaboratoryResults): Json {
  if (sensitivity === undefined) return null;
  const lossy = sensitivity.flatMap((row) => (row.outputDb === null ? [] : [{ ...row, db: row.outputDb }]));
  const [worst] = lossy.toSorted((a, b) => a.db - b.db);
  const saving = sensitivity.flatMap((row) => (row.savedMs === null ? [] : [{ ...row, ms: row.savedMs }]));
  const most = saving.toSorted((a, b) => b.ms - a.ms)[0];
  const name = ({ layer, choice }: { readonly layer: string; readonly choice: string }): JsonObject => ({
    layer,
    choice,
  });
  return {
    layers: new Set(sensitivity.map(({ layer }) => layer)).size,
    worst: worst ? { ...name(worst), db: formatNumber(worst.db, 1) } : null,
    most: most ? { ...name(most), ms: formatMs(most.ms) } : null,
    slower: saving.filter(({ ms }) => ms < 0).length,
  };
}

function variantsData(summary: Summary, prices: readonly InstancePrice[]): Json {
  const candidates = [...candidatesOf(summary, prices)].sort(byReference(summary));
  const [reference] = candidates;
  if (reference === undefined) return null;
  const advice = CARES.flatMap(({ care, priorities }): JsonObject[] => {
    // Without a metric on every variant there is nothing to recommend by.
    const metrics = Object.keys(priorities) as (keyof typeof priorities)[];
    if (candidates.some((one) => metrics.some((metric) => one.metrics[metric] === null))) return [];
    // What follows from another metric says nothing that it does not say.
    if (candidates.some(({ derived = [] }) => metrics.some((metric) => derived.includes(metric)))) return [];
    const [best, ...others] = recommend(candidates, priorities);
    if (best === undefined) return [];
    const equals = others.filter(({ isAsGood }) => isAsGood).map(({ candidate: { title } }) => title);
    return [{ care, take: best.candidate.title, score: formatNumber(best.score, 2), equals }];
  });
  const front = paretoFront(candidates);
  return {
    count: candidates.length,
    models: new Set(summary.conditions.map(({ condition }) => condition.model)).size,
    reference: reference.title,
    latency_trials: summary.run.protocol.latencyTrials,
    most_wer_lost_points: formatNumber(100 * MARGIN, 0),
    front_count: front.length,
    beaten: candidates.filter((one) => !front.includes(one)).map(({ title }) => title),
    advice,
    best_wer: bestOf(candidates),
  };
}

/** What a reader has without compressing, and without choosing another model, comes first: a recommendation is measured by it. */
function byReference(summary: Summary): (one: Candidate, other: Candidate) => number {
  const reference = summary.conditions.find(
    ({ condition }) => condition.model === DEFAULT_MODEL && condition.recipe === NO_RECIPE,
  );
  const place = ({ id }: Candidate): number => (id === reference?.condition.id ? 0 : 1);
  return (one, other) => place(one) - place(other);
}

function bestOf(candidates: readonly Candidate[]): Json {
  const [best] = candidates
    .flatMap(({ title, metrics: { wer } }) => (wer === null ? [] : [{ title, wer }]))
    .sort((a, b) => a.wer - b.wer);
  return best ? { title: best.title, wer_percent: formatPercent(best.wer) } : null;
}

/** A table of all variants in all metrics of which any was measured: a row for each; `null` where there are none. */
export async function buildVariantsTable(
  summary: Summary,
  prices: readonly InstancePrice[],
): Promise<DataTable | null> {
  // What is lost first, then what is gained.
  const metrics = METRICS.toSorted((one, other) => one.comparison.neutral - other.comparison.neutral);
  const rows = pricedConditions(summary, prices).map((entry) => {
    const { condition, outcome } = entry;
    const cells = metrics.map((metric) => {
      const { title, unit, format, plain } = { ...metric, plain: false, ...metric.brief };
      const quantity = metric.of(entry);
      const shown = quantity !== null && plain ? estimateOf(quantity).value : quantity;
      return [`${title} (${unit})`, shown === null ? NO_NUMBER : formatQuantity(shown, format)];
    });
    const variant = outcome.status === 'measured' ? condition.title : `${condition.title} (${outcome.status})`;
    return { Variant: variant, ...Object.fromEntries(cells) };
  });
  if (rows.length === 0) return null;
  return buildTable(withoutEmpty(rows), {
    title: `All variants, ${summary.run.protocol.latencyTrials} trials of latency each`,
    notes: ['In parentheses: 95 % intervals. Energy and cost as in the table of the experiment.'],
  });
}
