import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { measureColdStart } from '../measure/latency/coldStart.js';
import { measureResultCaching } from '../measure/load/resultCaching.js';
import { measureServers } from '../measure/load/server.js';
import { measureServiceTimes } from '../measure/load/serviceTimes.js';
import { defaultThreads } from '../measure/machine/environment.js';
import { higherLimits, type MachineLimits, measureHardware, threadCounts } from '../measure/machine/hardware.js';
import { ExceededBoundError, measureRoofline } from '../measure/machine/roofline.js';
import { measureOffline, summarizeOffline } from '../measure/throughput/offline.js';
import { readModel } from '../onnx/file/read.js';
import type { SessionControl } from '../process/session.js';
import { graphOf, type ResolvedModel } from '../recognise/model.js';
import { manifestPath } from '../recognise/registry/embedded.js';
import { cacheFolder, resolveModel } from '../recognise/registry/registry.js';
import { readManifest } from '../speech/corpora/manifest.js';
import { recordingOf } from '../speech/corpora/recordings.js';
import type { Utterance } from '../speech/types.js';
import { sensitivityOnSpeech } from '../tune/sensitivity.js';
import type { LaboratoryProtocol, TitledRoofline, Topic, TopicProtocols, TopicResults } from './laboratory.js';
import { NO_RECIPE } from './schema.js';
import { quantize } from './variants.js';

/** Variants that are compared, by the titles that the run gives them. */
const RECIPES: readonly (readonly [title: string, recipe: string])[] = [
  ['CPU float32', NO_RECIPE],
  ['CPU int8 dynamic', 'dynamic'],
  ['CPU int8 hybrid', 'hybrid'],
];

/** How often the limits of the machine are measured where a model is faster than they allow. */
const HARDWARE_ATTEMPTS = 3;

interface TitledModel {
  readonly title: string;
  readonly model: ResolvedModel;
}

/** Whose variants are measured, and what is called with the progress. */
interface TopicOptions extends SessionControl {
  readonly model: string;
  /** Called with what is done of the topic, and with all there is to do. */
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * Measures a topic.
 *
 * @param laboratory - what is planned
 * @returns what was found, under its name; nothing where it is not planned
 * @throws {UnavailableError} when a process breaks
 */
export async function measureTopic<T extends Topic>(
  topic: T,
  laboratory: LaboratoryProtocol,
  options: Omit<TopicOptions, 'model'>,
): Promise<{ readonly [P in T]?: TopicResults[P] }> {
  const { model, [topic]: protocol } = laboratory;
  if (protocol === undefined) return {};
  const found = await MEASURES[topic](protocol as TopicProtocols[T], { ...options, model });
  return { [topic]: found } as { readonly [P in T]?: TopicResults[P] };
}

const MEASURES: {
  readonly [T in Topic]: (protocol: TopicProtocols[T], options: TopicOptions) => Promise<TopicResults[T]>;
} = {
  hardware: async ({ kernelRuns, modelRuns, setBytes }, { model, signal, onProgress }) => {
    const cores = availableParallelism();
    const recording = middle(await speech()) as Utterance;
    const variants = await variantsOf(model, 3);
    let limits: readonly MachineLimits[] = [];
    for (let attempt = 1; ; attempt++) {
      const again = await measureHardware({
        threads: threadCounts(cores),
        runs: kernelRuns,
        setBytes,
        onProgress,
        signal,
      });
      limits = again.map((own, place) => higherLimits(own, limits[place] ?? own));
      const roofline: TitledRoofline[] = [];
      const refused: string[] = [];
      for (const { title, model: variant } of variants) {
        onProgress(roofline.length, variants.length);
        try {
          const options = { recording, runs: modelRuns, signal };
          const { path: _path, ...found } = await measureRoofline(variant, limits.at(-1) as MachineLimits, options);
          roofline.push({ title, ...found });
        } catch (error) {
          if (!(error instanceof ExceededBoundError)) throw error;
          refused.push(error.message);
        }
      }
      // A bound that is exceeded was measured while something else ran: the limits are measured again, and what was higher counts.
      if (refused.length === 0) return { limits, roofline };
      if (attempt === HARDWARE_ATTEMPTS) return { limits, roofline, refused };
    }
  },
  throughput: async ({ utterances: count, batchSizes, rounds }, { model, signal, onProgress }) => {
    const variants = await variantsOf(model, 2);
    const utterances = spread(await speech(), count);
    const passes = await measureOffline(
      variants.map((variant) => variant.model),
      {
        utterances,
        rounds,
        batchSizes,
        onPass: (all, total) => onProgress(all.length, total),
        signal,
      },
    );
    return summarizeOffline(passes, utterances).map((report) => titled(report, variants));
  },
  load: async ({ boundMs, requests, mostRates, serviceStarts = 0 }, { model, signal, onProgress }) => {
    const variants = await variantsOf(model, 2);
    let done = 0;
    const total = (mostRates + serviceStarts) * variants.length;
    const models = variants.map((variant) => variant.model);
    const utterances = await speech();
    const onRate = (): void => onProgress(++done, total);
    const services = await measureServiceTimes(models, { utterances, starts: serviceStarts, onModel: onRate, signal });
    const reports = await measureServers(models, {
      utterances,
      boundMs,
      requests,
      mostRates,
      onRate,
      signal,
    });
    return reports.map((report, place) => ({
      ...titled(report, variants),
      ...(serviceStarts > 0 && {
        serviceMs: services[place]?.map((start) => start.map((ms) => Number(ms.toFixed(3)))) ?? [],
      }),
      rates: report.rates.map((rate) => titled(rate, variants)),
    }));
  },
  caching: async ({ rounds, requests, utterances: count, hitRates }, { model, signal, onProgress }) => {
    const variants = await variantsOf(model, 2);
    const utterances = spread(await speech(), count);
    const [first] = utterances;
    const load = [];
    for (const variant of first === undefined ? [] : variants) {
      const report = await measureColdStart(variant.model, {
        folder: join(cacheFolder(), 'optimized'),
        recording: recordingOf(first as Utterance),
        rounds,
        threads: 1,
        onProgress,
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
        onProgress,
        signal,
      });
      results.push(titled(report, variants));
    }
    return { load, results };
  },
  sensitivity: async (protocol, { model, onProgress }) => {
    const resolved = await resolveModel(model);
    const found = await sensitivityOnSpeech(await readModel(graphOf(resolved).path), resolved, {
      ...protocol,
      threads: await defaultThreads(),
      onProgress,
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
