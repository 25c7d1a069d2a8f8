import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { InputError } from '../errors.js';
import { sha256OfFile } from '../files.js';
import { mean } from '../measure/statistics/statistics.js';
import { coldStartOf } from './openCondition.js';
import { outcomeOf } from './outcomeOf.js';
import { RUN_FILES, RunFolder, readRun, verifyRun } from './runFolder.js';
import type { Environment, Observation, Outcome, RunRecord, Shard, ShardRecord, Summary } from './schema.js';
import { summarize } from './summarize.js';
import { requireTrials } from './trials.js';

/** Where the merged run goes. */
export interface MergeOptions {
  /** Folder of the merged run. */
  readonly out: string;
  /** Throw an unfinished run in that folder away. */
  readonly restart?: boolean;
}

/** A shard as it was found. */
interface Part {
  readonly folder: string;
  readonly record: RunRecord;
  readonly shard: Shard;
  readonly finishedAt: string;
  readonly observations: readonly Observation[];
}

/** What must be the same in all shards: the same programs hearing the same speech in the same way. */
const SAME_ENVIRONMENT = ['node', 'packages'] as const;

/**
 * Puts the shards of a run together. They may come from different machines: the ratios between conditions are taken turn
 * by turn, and a turn is never split; a warning then says that the times themselves are a mixture. Another one says when
 * they ran from different commits.
 *
 * A condition counts as measured when every shard has measured it with the same model file and the same trials are there
 * as in a whole run; otherwise it has failed, and the reason names the shard.
 *
 * @param folders - of all shards, in any order
 * @param options - where the merged run goes
 * @returns the summary, as it is in `summary.json`
 * @throws {InputError} when a folder holds no finished shard, was changed since, is there twice or missing, or belongs to
 *   another run
 * @throws {UnavailableError} when the folder cannot be written
 */
export async function mergeRuns(folders: readonly string[], options: MergeOptions): Promise<Summary> {
  const parts: Part[] = [];
  for (const folder of folders) parts.push(await readPart(folder));
  parts.sort((one, other) => one.shard.index - other.shard.index);
  const first = requireComplete(parts);
  for (const part of parts.slice(1)) requireSameRun(first, part);
  for (const part of parts) requireTrials(part);

  const record: RunRecord = {
    schema: first.record.schema,
    startedAt: parts.map((part) => part.record.startedAt).sort()[0] ?? first.record.startedAt,
    finishedAt: null,
    protocol: first.record.protocol,
    conditions: first.record.conditions,
    environment: joinEnvironments(parts),
    outcomes: Object.fromEntries(first.record.conditions.map(({ id }) => [id, joinOutcomes(id, parts)])),
    inputs: first.record.inputs,
    ...(first.record.laboratory !== undefined && { laboratory: first.record.laboratory }),
    turns: parts.some((part) => part.record.turns === 'paused') ? 'paused' : 'stopped',
    timingVersion: first.record.timingVersion,
    shards: await Promise.all(parts.map(describePart)),
  };
  const out = await RunFolder.open(options.out, { restart: options.restart ?? false });
  try {
    await out.writeRecord(record);
    const observations = parts.flatMap((part) => part.observations);
    for (const observation of observations) out.append(observation);
    const finished = {
      ...record,
      finishedAt:
        parts
          .map(({ finishedAt }) => finishedAt)
          .sort()
          .at(-1) ?? null,
    };
    const summary = summarize(finished, observations);
    await out.finish(finished, summary);
    return summary;
  } finally {
    await out.close();
  }
}

async function readPart(folder: string): Promise<Part> {
  const { record, observations } = await readRun(folder);
  const { shard, finishedAt } = record;
  if (shard === undefined) {
    throw new InputError(`${folder}: a shard of a run was required, got a whole run; run its part with --shard`);
  }
  if (finishedAt === null) {
    throw new InputError(`${folder}: a finished shard was required, got an unfinished one; continue it with --resume`);
  }
  await verifyRun(folder);
  return { folder, record, shard, finishedAt, observations };
}

function requireComplete(parts: readonly Part[]): Part {
  const [first] = parts;
  if (first === undefined) throw new InputError('merge: the folders of all shards were required, got none; name them');
  const { count } = first.shard;
  for (const { folder, shard } of parts) {
    if (shard.count === count) continue;
    throw new InputError(
      `${folder}: a shard of ${count} was required, as ${first.folder} is, got one of ${shard.count}; merge shards of one run`,
    );
  }
  const indices = parts.map(({ shard }) => shard.index);
  const twice = parts.find(({ shard }, place) => indices.indexOf(shard.index) !== place);
  if (twice !== undefined) {
    throw new InputError(
      `${twice.folder}: each shard once was required, got shard ${twice.shard.index} again; leave one of the two out`,
    );
  }
  const missing = Array.from({ length: count }, (_, place) => place + 1).filter((index) => !indices.includes(index));
  if (missing.length > 0) {
    throw new InputError(`merge: all ${count} shards were required, got all but ${missing.join(', ')}; run those, too`);
  }
  return first;
}

function requireSameRun(first: Part, part: Part): void {
  const factsOf = ({ record }: Part): Record<string, unknown> => ({
    ...record.protocol,
    conditions: record.conditions,
    'model files': record.inputs,
    'version of timing': record.timingVersion,
    ...Object.fromEntries(SAME_ENVIRONMENT.map((field) => [field, record.environment[field]])),
  });
  const [wanted, held] = [factsOf(first), factsOf(part)];
  const other = Object.keys(wanted).find((fact) => !isDeepStrictEqual(wanted[fact], held[fact]));
  if (other === undefined) return;
  throw new InputError(
    `${part.folder}: the same run as in ${first.folder} was required, got another ${other}; merge shards of one plan, one version and the same model files`,
  );
}

/** The first shard's, with all processors named. */
function joinEnvironments(parts: readonly Part[]): Environment {
  const environments = parts.map(({ record }) => record.environment);
  const first = environments[0] as Environment;
  return { ...first, cpu: [...new Set(environments.map(({ cpu }) => cpu))].join(' and ') };
}

function joinOutcomes(id: string, parts: readonly Part[]): Outcome {
  const outcomes = parts.map(({ record }) => outcomeOf(record, id));
  const measured = outcomes.flatMap((outcome) => (outcome?.status === 'measured' ? [outcome] : []));
  const [first] = measured;
  if (first === undefined || measured.length < parts.length) return gap(outcomes, parts);
  const provider = measured.findIndex(({ executionProvider }) => executionProvider !== first.executionProvider);
  if (provider > 0) {
    const [one, other] = [first.executionProvider, measured[provider]?.executionProvider];
    return { status: 'failed', reason: `shard 1 ran on ${one}, shard ${provider + 1} on ${other}` };
  }
  const overheads = measured.flatMap(({ harnessOverhead }) => harnessOverhead ?? []);
  return {
    ...first,
    ...coldStartOf(measured.flatMap(({ loadMs, firstRunMs, coldStarts }) => coldStarts ?? [{ loadMs, firstRunMs }])),
    ...(overheads.length > 0 && { harnessOverhead: mean(overheads) }),
  };
}

function gap(outcomes: readonly (Outcome | undefined)[], parts: readonly Part[]): Outcome {
  const reasons = outcomes.flatMap((outcome, place) =>
    outcome?.status === 'measured'
      ? []
      : [{ shard: parts[place]?.shard.index, status: outcome?.status, reason: outcome?.reason ?? 'it has not ended' }],
  );
  const status =
    reasons.length === parts.length && reasons.every((one) => one.status === 'skipped') ? 'skipped' : 'failed';
  const same = reasons.length === parts.length && new Set(reasons.map(({ reason }) => reason)).size === 1;
  const reason = same
    ? (reasons[0]?.reason ?? '')
    : reasons.map((one) => `shard ${one.shard}: ${one.reason.replace(/\.$/, '')}`).join('. ');
  return { status, reason };
}

async function describePart({ folder, record, shard, finishedAt }: Part): Promise<ShardRecord> {
  const observationsSha256 = await sha256OfFile(join(folder, RUN_FILES.observations));
  return { shard, startedAt: record.startedAt, finishedAt, environment: record.environment, observationsSha256 };
}
