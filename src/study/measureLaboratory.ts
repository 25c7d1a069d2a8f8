import { existsSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { TIMING_VERSION, timingVersionOf } from '../measure/latency/timingVersion.js';
import { defaultThreads, readEnvironment } from '../measure/machine/environment.js';
import { listModels } from '../recognise/registry/registry.js';
import {
  type FiledTopic,
  LABORATORY_SCHEMA,
  readTopic,
  type Topic,
  type TopicRecord,
  topicPath,
  writeTopic,
} from './laboratory.js';
import { MEASURES, RECIPES, type TopicOptions } from './laboratoryMeasures.js';
import { FULL_LABORATORY, type LaboratoryProtocol } from './laboratoryProtocol.js';
import { DEFAULT_MODEL, DEFAULT_PROTOCOL, type ExperimentPlan, languageModelFor } from './plan.js';
import { runExperiment } from './runner.js';
import { otherMachine } from './sameRun.js';
import { type Condition, NO_RECIPE } from './schema.js';

/** How the laboratory measures. Default: the whole, of the shipped model; of the variants, of all that are shipped. */
export interface LaboratoryOptions extends Partial<TopicOptions> {
  /** Folder of the laboratory. */
  readonly out: string;
  /** Leaves a topic alone that was measured on this machine, by the same protocol and version of timing. */
  readonly resume?: boolean;
}

/**
 * Measures one topic of the laboratory and keeps it.
 *
 * @returns `kept` where an earlier measurement was left alone
 * @throws {InputError} when a model, the speech or an option is bad, or what was kept is damaged
 * @throws {UnavailableError} when a process breaks, or the folder cannot be written
 */
export async function measureTopic(topic: Topic, options: LaboratoryOptions): Promise<'measured' | 'kept'> {
  const { out, protocol = FULL_LABORATORY, model = DEFAULT_MODEL, resume = false } = options;
  if (topic === 'variants') return await runVariants(out, protocol.variants, options);
  const environment = await readEnvironment();
  const plan = { model, protocol: protocol[topic], timingVersion: TIMING_VERSION };
  if (resume && existsSync(topicPath(out, topic))) {
    const held = await readTopic(out, topic);
    const has = { model: held.model, protocol: held.protocol, timingVersion: timingVersionOf(held) };
    if (isDeepStrictEqual(has, plan) && otherMachine(held.environment, environment) === undefined) return 'kept';
  }
  const startedAt = new Date().toISOString();
  const result = await MEASURES[topic]({ ...options, protocol, model });
  const finishedAt = new Date().toISOString();
  const record = { schema: LABORATORY_SCHEMA, topic, ...plan, startedAt, finishedAt, environment, result };
  await writeTopic(out, record as TopicRecord<FiledTopic>);
  return 'measured';
}

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
  { resume = false, signal, workerPath, onProgress }: LaboratoryOptions,
): Promise<'measured'> {
  await runExperiment(await variantsPlan(protocol), {
    out: topicPath(out, 'variants'),
    resume,
    restart: !resume,
    onProgress: ({ phase, overallDone, overallTotal }) =>
      onProgress?.(overallDone, overallTotal, `variants: ${phase === 'prepare' ? 'making' : 'trials'}`),
    signal,
    workerPath,
  });
  return 'measured';
}
