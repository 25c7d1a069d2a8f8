import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { measureLoadTime } from '../measure/latency/loadTime.js';
import { TIMING_VERSION, timingVersionOf } from '../measure/latency/timingVersion.js';
import { measureOffline, summarizeOffline } from '../measure/load/offline.js';
import { measureResultCaching } from '../measure/load/resultCaching.js';
import { measureServers } from '../measure/load/server.js';
import { defaultThreads, readEnvironment } from '../measure/machine/environment.js';
import { measureHardware, threadCounts } from '../measure/machine/hardware.js';
import { measureRoofline } from '../measure/machine/roofline.js';
import { readModel } from '../onnx/file/read.js';
import { graphOf, type ResolvedModel } from '../recognise/model.js';
import { manifestPath } from '../recognise/registry/embedded.js';
import { cacheFolder, listModels, resolveModel } from '../recognise/registry/registry.js';
import { readManifest } from '../speech/corpora/manifest.js';
import { recordingOf } from '../speech/corpora/recordings.js';
import type { Utterance } from '../speech/types.js';
import { sensitivityOnSpeech } from '../tune/sensitivity.js';
import {
  type FiledTopic,
  LABORATORY_SCHEMA,
  readTopic,
  type Topic,
  type TopicRecord,
  type TopicResults,
  topicPath,
  writeTopic,
} from './laboratory.js';
import { FULL_LABORATORY, type LaboratoryProtocol } from './laboratoryProtocol.js';
import { DEFAULT_MODEL, DEFAULT_PROTOCOL, type ExperimentPlan, languageModelFor } from './plan.js';
import { runExperiment } from './runner.js';
import { type Condition, NO_RECIPE } from './schema.js';
import { quantize } from './variants.js';

/** How the laboratory measures. */
export interface LaboratoryOptions {
  /** Folder of the laboratory. */
  readonly out: string;
  readonly protocol?: LaboratoryProtocol;
  /** Whose variants are measured. Default: the shipped one; of the variants, all that are shipped. */
  readonly model?: string;
  /** Leaves a topic alone that was measured on this machine, by the same protocol and version of timing. */
  readonly resume?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Told how far the topic is, and what is being measured. */
  readonly onProgress?: (done: number, total: number, what: string) => void;
}

/** Variants that are compared, by the titles that the run gives them. */
const RECIPES: readonly (readonly [title: string, recipe: string])[] = [
  ['CPU float32', NO_RECIPE],
  ['CPU int8 dynamic', 'dynamic'],
  ['CPU int8 hybrid', 'hybrid'],
];

interface TitledModel {
  readonly title: string;
  readonly model: ResolvedModel;
}

/**
 * Measures one topic of the laboratory and keeps it.
 *
 * @returns `kept` where an earlier measurement was left alone
 * @throws {InputError} when a model, the speech or an option is bad
 * @throws {UnavailableError} when a process breaks, or the folder cannot be written
 */
export async function measureTopic(topic: Topic, options: LaboratoryOptions): Promise<'measured' | 'kept'> {
  const { out, protocol = FULL_LABORATORY, model = DEFAULT_MODEL, resume = false } = options;
  if (topic === 'variants') return await runVariants(out, protocol.variants, options);
  const environment = await readEnvironment();
  const plan = { model, protocol: protocol[topic], timingVersion: TIMING_VERSION };
  if (resume) {
    const held = await readTopic(out, topic).catch(() => null);
    const { cpu, packages } = environment;
    const has = held && { model: held.model, protocol: held.protocol, timingVersion: timingVersionOf(held) };
    const machine = held && { cpu: held.environment.cpu, packages: held.environment.packages };
    if (isDeepStrictEqual(has, plan) && isDeepStrictEqual(machine, { cpu, packages })) return 'kept';
  }
  const startedAt = new Date().toISOString();
  const result = await MEASURES[topic]({ ...options, protocol, model });
  const record = {
    schema: LABORATORY_SCHEMA,
    topic,
    ...plan,
    startedAt,
    finishedAt: new Date().toISOString(),
    environment,
    result,
  };
  await writeTopic(out, record as TopicRecord<FiledTopic>);
  return 'measured';
}

type Measure<T extends FiledTopic> = (
  options: LaboratoryOptions & Required<Pick<LaboratoryOptions, 'protocol' | 'model'>>,
) => Promise<TopicResults[T]>;

const MEASURES: { readonly [T in FiledTopic]: Measure<T> } = {
  hardware: async ({ protocol, model, signal, onProgress }) => {
    const { kernelRuns, modelRuns, setBytes } = protocol.hardware;
    const cores = availableParallelism();
    const limits = await measureHardware({
      threads: threadCounts(cores),
      runs: kernelRuns,
      setBytes,
      onProgress: (done, total) => onProgress?.(done, total, 'hardware: kernels'),
      signal,
    });
    const own = limits.find(({ threads }) => threads === cores) ?? limits[0];
    const recording = middle(await speech());
    const roofline = [];
    for (const { title, model: variant } of own === undefined ? [] : await variantsOf(model, 3)) {
      if (own === undefined || recording === undefined) break;
      onProgress?.(roofline.length, 3, 'hardware: models');
      const options = { recording, runs: modelRuns, signal };
      const { path: _path, ...found } = await measureRoofline(variant, own, options);
      roofline.push({ title, ...found });
    }
    return { limits, roofline };
  },
  throughput: async ({ protocol, model, signal, onProgress }) => {
    const { utterances: count, batchSizes, rounds } = protocol.throughput;
    const variants = await variantsOf(model, 2);
    const utterances = spread(await speech(), count);
    const passes = await measureOffline(
      variants.map((variant) => variant.model),
      {
        utterances,
        rounds,
        batchSizes,
        onPass: (all, total) => onProgress?.(all.length, total, 'throughput: passes'),
        signal,
      },
    );
    return summarizeOffline(passes, utterances).map((report) => titled(report, variants));
  },
  load: async ({ protocol, model, signal, onProgress }) => {
    const { boundMs, requests, mostRates } = protocol.load;
    const variants = await variantsOf(model, 2);
    let done = 0;
    const reports = await measureServers(
      variants.map((variant) => variant.model),
      {
        utterances: await speech(),
        boundMs,
        requests,
        mostRates,
        onRate: () => onProgress?.(++done, mostRates * variants.length, 'load: rates'),
        signal,
      },
    );
    return reports.map((report) => ({
      ...titled(report, variants),
      rates: report.rates.map((rate) => titled(rate, variants)),
    }));
  },
  caching: async ({ protocol, model, signal, onProgress }) => {
    const { rounds, requests, utterances: count, hitRates } = protocol.caching;
    const variants = await variantsOf(model, 2);
    const utterances = spread(await speech(), count);
    const [first] = utterances;
    const load = [];
    for (const variant of first === undefined ? [] : variants) {
      const report = await measureLoadTime(variant.model, {
        folder: join(cacheFolder(), 'optimized'),
        recording: recordingOf(first as Utterance),
        rounds,
        threads: 1,
        onProgress: (done, total) => onProgress?.(done, total, `caching: starts of ${variant.title}`),
        signal,
      });
      load.push(titled(report, variants));
    }
    const results = [];
    for (const variant of variants) {
      const report = await measureResultCaching(variant.model, {
        utterances,
        requests,
        hitRates,
        threads: 1,
        kinds: ['transcript'],
        places: ['memory'],
        onProgress: (done, total) => onProgress?.(done, total, `caching: requests to ${variant.title}`),
        signal,
      });
      results.push(titled(report, variants));
    }
    return { load, results };
  },
  sensitivity: async ({ protocol, model, onProgress }) => {
    const resolved = await resolveModel(model);
    const found = await sensitivityOnSpeech(await readModel(graphOf(resolved).path), resolved, {
      ...protocol.sensitivity,
      threads: await defaultThreads(),
      onProgress: (done, total) => onProgress?.(done, total, 'sensitivity: layers and choices'),
    });
    return found.map(({ layer, choice, outputDb, savedMs }) => ({
      layer: layer.node,
      opType: layer.opType,
      choice,
      outputDb,
      savedMs,
    }));
  },
};

/** The plan of all variants of all shipped models. */
export async function variantsPlan(protocol: LaboratoryProtocol['variants']): Promise<ExperimentPlan> {
  const threads = await defaultThreads();
  const { latencyTrials, throughputTrials, ...resources } = protocol;
  const conditions = (await listModels()).flatMap(({ id }): Condition[] =>
    RECIPES.map(([title, recipe]) => ({
      id: `${id}.${recipe === NO_RECIPE ? 'float32' : recipe}`,
      title: `${id}, ${title.replace('CPU ', '')}`,
      model: id,
      recipe,
      device: 'cpu',
      threads,
    })),
  );
  const { manifest } = DEFAULT_PROTOCOL;
  return {
    ...DEFAULT_PROTOCOL,
    ...languageModelFor(manifest),
    latencyTrials,
    throughputTrials,
    resources,
    conditions,
  };
}

async function runVariants(
  out: string,
  protocol: LaboratoryProtocol['variants'],
  { resume = false, signal, onProgress }: LaboratoryOptions,
): Promise<'measured'> {
  await runExperiment(await variantsPlan(protocol), {
    out: topicPath(out, 'variants'),
    resume,
    restart: !resume,
    onProgress: ({ phase, overallDone, overallTotal }) =>
      onProgress?.(overallDone, overallTotal, `variants: ${phase === 'prepare' ? 'making' : 'trials'}`),
    signal,
  });
  return 'measured';
}

async function speech(): Promise<readonly Utterance[]> {
  return await readManifest(manifestPath('holdout'));
}

/** The utterance of middle length. */
function middle(utterances: readonly Utterance[]): Utterance | undefined {
  return utterances.toSorted((a, b) => a.durationS - b.durationS)[Math.floor(utterances.length / 2)];
}

/** Utterances evenly spread over the lengths, in the order of the manifest. */
function spread(utterances: readonly Utterance[], count: number): readonly Utterance[] {
  const byLength = utterances.toSorted((a, b) => a.durationS - b.durationS);
  const few = Math.min(count, byLength.length);
  const chosen = new Set(
    Array.from({ length: few }, (_, place) => byLength[Math.floor(((place + 0.5) * byLength.length) / few)]),
  );
  return utterances.filter((utterance) => chosen.has(utterance));
}

async function variantsOf(model: string, count: number): Promise<readonly TitledModel[]> {
  const variants: TitledModel[] = [];
  for (const [title, recipe] of RECIPES.slice(0, count)) {
    variants.push({ title, model: (await quantize(model, recipe)).model });
  }
  return variants;
}

/** A report with the title of a variant in place of its model's id. */
function titled<R extends { readonly model: string }>(report: R, variants: readonly TitledModel[]): R {
  const own = variants.find(({ model }) => model.card.id === report.model);
  return { ...report, model: own?.title ?? report.model };
}
