import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../errors.js';
import { describeOtherTiming } from '../measure/latency/timingVersion.js';
import { type CheckRunOptions, checkRun, type RunCheck } from './checkRun.js';
import { type FiledTopic, readTopic, TOPICS, topicPath } from './laboratory.js';
import { RUN_FILES } from './runFolder.js';

/** What a check of results has found. */
export interface ResultsCheck extends RunCheck {
  /** Topics of a laboratory that are there, and those of them that are as they were written and timed as today. */
  readonly topics: { readonly found: number; readonly same: number };
}

/**
 * Checks what was measured: a run, or a laboratory with its topics and its run of all variants.
 *
 * @param folder - of either
 * @throws {InputError} when neither lies there, or a line of a run is damaged
 */
export async function checkResults(folder: string, options: CheckRunOptions = {}): Promise<ResultsCheck> {
  const filed = TOPICS.filter((topic) => topic !== 'variants').filter((topic) => existsSync(topicPath(folder, topic)));
  if (filed.length === 0) return { ...(await checkRun(folder, options)), topics: { found: 0, same: 0 } };
  const wrong = (await Promise.all(filed.map(async (topic) => await faultOf(folder, topic)))).filter(
    (fault) => fault !== null,
  );
  const topics = { found: filed.length, same: filed.length - wrong.length };
  const variants = topicPath(folder, 'variants');
  if (!existsSync(join(variants, RUN_FILES.record))) {
    return { faults: wrong, notes: [], models: { made: 0, same: 0 }, texts: { heard: 0, same: 0 }, topics };
  }
  const check = await checkRun(variants, options);
  return { ...check, faults: [...wrong, ...check.faults], topics };
}

async function faultOf(folder: string, topic: FiledTopic): Promise<string | null> {
  try {
    const record = await readTopic(folder, topic);
    return describeOtherTiming(topicPath(folder, topic), record, `npm run quantlab -- laboratory --only ${topic}`);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}
