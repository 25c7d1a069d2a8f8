import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson, sha256OfBytes, writeFileAtomic } from '../files.js';
import type { ColdStartReport } from '../measure/latency/coldStart.js';
import type { Timed } from '../measure/latency/timingVersion.js';
import type { ResultCachingReport } from '../measure/load/resultCaching.js';
import type { ServerReport } from '../measure/load/server.js';
import type { Environment } from '../measure/machine/environment.js';
import type { MachineLimits } from '../measure/machine/hardware.js';
import type { Roofline } from '../measure/machine/roofline.js';
import type { OfflineReport } from '../measure/throughput/offline.js';
import { CHECKSUMS_FILE, checksumLine, verifyFiles } from './checksums.js';
import type { LaboratoryProtocol } from './laboratoryProtocol.js';

/**
 * The laboratory: what is measured besides the run that answers the question. A folder with a {@link TopicRecord} for each topic,
 * `<topic>.json`, and a run of all variants of all models, `variants`.
 */

/** Version of these files; raised when a field changes its meaning. */
export const LABORATORY_SCHEMA = 'quantlab.laboratory/1' as const;

/** What is measured, in this order. */
export const TOPICS = ['hardware', 'throughput', 'load', 'caching', 'sensitivity', 'variants'] as const;

/** One of {@link TOPICS}. */
export type Topic = (typeof TOPICS)[number];

/** A topic with a file of its own; variants have a run. */
export type FiledTopic = Exclude<Topic, 'variants'>;

/** How near a model comes to what the machine can do. */
export interface TitledRoofline extends Omit<Roofline, 'path'> {
  readonly title: string;
}

/** What compressing one layer alone does. */
export interface LayerEffect {
  readonly layer: string;
  readonly opType: string;
  readonly choice: string;
  /** Signal to error of the model's output, in decibels; `null` where nothing was lost. */
  readonly outputDb: number | null;
  /** Time that a run needs less than with the layer in float, in milliseconds; `null` where it was not measured. */
  readonly savedMs: number | null;
}

/** What is found of each topic; models are called by their variants' titles. */
export interface TopicResults {
  readonly hardware: { readonly limits: readonly MachineLimits[]; readonly roofline: readonly TitledRoofline[] };
  readonly throughput: readonly OfflineReport[];
  readonly load: readonly ServerReport[];
  readonly caching: { readonly load: readonly ColdStartReport[]; readonly results: readonly ResultCachingReport[] };
  readonly sensitivity: readonly LayerEffect[];
}

/** A topic's file: what was planned, on which machine, and what was found. */
export interface TopicRecord<T extends FiledTopic> extends Timed {
  readonly schema: typeof LABORATORY_SCHEMA;
  readonly topic: T;
  readonly model: string;
  readonly protocol: LaboratoryProtocol[T];
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly environment: Environment;
  readonly result: TopicResults[T];
}

/** Enough to refuse files of another kind; what is inside, our own writer has checked. */
const recordSchema = z.looseObject({
  schema: z.literal(LABORATORY_SCHEMA),
  topic: z.enum(TOPICS),
  model: z.string(),
  protocol: z.looseObject({}),
  environment: z.looseObject({ cpu: z.string() }),
  timingVersion: z.number().optional(),
});

/** File of a topic, or folder of the run of all variants. */
export function topicPath(folder: string, topic: Topic): string {
  return join(folder, topic === 'variants' ? topic : `${topic}.json`);
}

/**
 * Reads what was found of a topic, as it was written.
 *
 * @param folder - of the laboratory
 * @throws {InputError} when the file is missing, of another kind, or changed since
 */
export async function readTopic<T extends FiledTopic>(folder: string, topic: T): Promise<TopicRecord<T>> {
  const record = (await readJson(topicPath(folder, topic), recordSchema)) as unknown as TopicRecord<T>;
  await verifyFiles(folder, [fileName(topic)]);
  return record;
}

/**
 * Writes what was found of a topic, as a whole or not at all, and its checksum.
 *
 * @param folder - of the laboratory
 * @throws {UnavailableError} when the place cannot be written
 */
export async function writeTopic<T extends FiledTopic>(folder: string, record: TopicRecord<T>): Promise<void> {
  const text = `${JSON.stringify(record, null, 1)}\n`;
  const name = fileName(record.topic);
  const path = join(folder, CHECKSUMS_FILE);
  const before = await readFile(path, 'utf8').catch(() => '');
  const others = before.split('\n').filter((line) => line !== '' && !line.endsWith(`  ${name}`));
  const lines = [...others.map((line) => `${line}\n`), checksumLine(sha256OfBytes(text), name)];
  await writeFileAtomic(topicPath(folder, record.topic), text);
  await writeFileAtomic(path, lines.join(''));
}

function fileName(topic: FiledTopic): string {
  return `${topic}.json`;
}
