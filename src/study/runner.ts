import { sha256OfFile } from '../files.js';
import { TIMING_VERSION } from '../measure/latency/timingVersion.js';
import { readEnvironment } from '../measure/machine/environment.js';
import { languageModelPath, manifestPath } from '../recognise/registry/embedded.js';
import { readUtterances } from '../speech/corpora/recordings.js';
import { conductRun } from './conductRun.js';
import { readFinishedRun } from './finishedRun.js';
import type { ExperimentPlan } from './plan.js';
import { RunFolder, readFinishedRecord } from './runFolder.js';
import type { RunOptions } from './runOptions.js';
import { RunState } from './runState.js';
import { requireSameMachine, requireSamePlan, requireSameTiming, requireShard, startsFor } from './sameRun.js';
import { type Protocol, RESULTS_SCHEMA, type RunRecord, type Summary } from './schema.js';
import { warningsOf } from './warnings.js';

/**
 * Runs an experiment: each condition in a process of its own, the conditions taking turns in blocks of trials. Each trial is
 * written as it ends. A condition that this machine lacks is recorded as skipped, one that breaks as failed, with the reason.
 *
 * @param plan - what is measured; see {@link defaultPlan} and `readPlan`
 * @param options - where it is written
 * @returns the summary, as it is in `summary.json`
 * @throws {InputError} when a model, the manifest or a recording is bad, or the folder holds another plan, an unfinished
 *   run, or a run in progress
 * @throws {UnavailableError} when the folder cannot be written
 * @throws {QuantlabError} when the run was stopped by the signal
 */
export async function runExperiment(plan: ExperimentPlan, options: RunOptions): Promise<Summary> {
  const manifest = manifestPath(plan.manifest);
  const { onLeftOut, onMismatch, signal } = options;
  const utterances = await readUtterances(manifest, { onLeftOut, onMismatch, signal });
  const { conditions, ...measured } = plan;
  const { languageModel } = measured;
  const planned: Protocol = {
    ...measured,
    manifestSha256: await sha256OfFile(manifest),
    ...(languageModel !== undefined && { languageModelSha256: await sha256OfFile(languageModelPath(languageModel)) }),
  };
  const protocol: Protocol = {
    ...planned,
    ...(planned.starts !== undefined && {
      starts: startsFor(planned, utterances.length, options.shard?.count ?? 1),
    }),
  };
  const wanted = { ...protocol, conditions, shard: requireShard(options.shard, protocol, utterances.length) };
  if (options.resume) {
    const finished = await readFinishedRecord(options.out);
    if (finished !== null) {
      requireSamePlan(options.out, finished, wanted);
      requireSameTiming(options.out, finished);
      return (await readFinishedRun(options.out)).summary;
    }
  }
  const folder = await RunFolder.open(options.out, options);
  try {
    const environment = await (options.environment ?? readEnvironment)();
    if (folder.record !== null) {
      requireSamePlan(options.out, folder.record, wanted);
      requireSameTiming(options.out, folder.record);
      requireSameMachine(options.out, folder.record.environment, environment);
    }
    const now = options.now ?? (() => new Date());
    const record: RunRecord = folder.record ?? {
      schema: RESULTS_SCHEMA,
      startedAt: now().toISOString(),
      finishedAt: null,
      protocol,
      conditions,
      environment,
      outcomes: {},
      inputs: {},
      turns: 'stopped',
      timingVersion: TIMING_VERSION,
      ...(wanted.shard !== undefined && { shard: wanted.shard }),
    };
    for (const warning of warningsOf(record, [])) options.onWarning?.(warning);
    return await conductRun(new RunState(folder, record, utterances.length, options), utterances, options, now);
  } finally {
    await folder.close();
  }
}
