import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256OfBytes } from '../files.js';
import { type FinishedRun, readFinishedRun } from './finishedRun.js';
import { type FiledTopic, readTopic, TOPICS, type Topic, type TopicRecord, topicPath } from './laboratory.js';
import { RUN_FILES } from './runFolder.js';

/** What was measured besides the run; a topic that was not is missing. */
export interface Laboratory extends Partial<{ readonly [T in FiledTopic]: TopicRecord<T> | undefined }> {
  readonly variants?: FinishedRun | undefined;
  /** SHA-256 of each file that was read, by topic, so that what is made from it can name it. */
  readonly sha256: Readonly<Partial<Record<Topic, string>>>;
}

/** Nothing was measured. */
export const EMPTY_LABORATORY: Laboratory = { sha256: {} };

/** The file that says what was found of a topic. */
export function resultPath(folder: string, topic: Topic): string {
  const path = topicPath(folder, topic);
  return topic === 'variants' ? join(path, RUN_FILES.summary) : path;
}

/**
 * Reads what the laboratory measured, as far as it has.
 *
 * @param folder - of the laboratory; need not exist
 * @throws {InputError} when a file that is there is of another kind, or not as it was written
 */
export async function readLaboratory(folder: string): Promise<Laboratory> {
  const found = TOPICS.filter((topic) => existsSync(resultPath(folder, topic)));
  const sums: Partial<Record<Topic, string>> = {};
  for (const topic of found) sums[topic] = sha256OfBytes(await readFile(resultPath(folder, topic)));
  const read = async <T extends FiledTopic>(topic: T): Promise<TopicRecord<T> | undefined> =>
    found.includes(topic) ? await readTopic(folder, topic) : undefined;
  return {
    hardware: await read('hardware'),
    throughput: await read('throughput'),
    load: await read('load'),
    caching: await read('caching'),
    sensitivity: await read('sensitivity'),
    variants: found.includes('variants') ? await readFinishedRun(topicPath(folder, 'variants')) : undefined,
    sha256: sums,
  };
}
