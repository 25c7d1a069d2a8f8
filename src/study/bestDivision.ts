import { readEnvironment } from '../measure/machine/environment.js';
import type { Division } from '../measure/throughput/arrangements.js';
import { measureOffline, type OfflineReport, summarizeOffline } from '../measure/throughput/offline.js';
import type { SessionControl } from '../process/session.js';
import type { ResolvedModel } from '../recognise/model.js';
import { manifestPath } from '../recognise/registry/embedded.js';
import { readManifest } from '../speech/corpora/manifest.js';
import { readFinishedRecord } from './runFolder.js';

/** How the cores are best divided, and how that is known. */
export interface BestDivision extends Division {
  /** By the laboratory on this kind of machine, or just now. */
  readonly source: 'laboratory' | 'measured';
}

/** Recordings that are heard by each division where nobody has measured, and the longest, in seconds: a second tells divisions apart. */
const [RECORDINGS, LONGEST_S] = [16, 5];

/**
 * How many processes of how many threads hear the most with one model, one recording at a time: as the laboratory found it, where it
 * measured this model on as many cores of this processor; else measured now.
 *
 * @param laboratory - folder of its run; need not exist
 * @throws {InputError} when the record of the run cannot be read
 * @throws {UnavailableError} when a process breaks
 */
export async function bestDivision(
  model: ResolvedModel,
  laboratory: string,
  control: SessionControl = {},
): Promise<BestDivision> {
  const known = await knownReport(model, laboratory);
  if (known !== undefined) return { ...fastest(known), source: 'laboratory' };
  const speech = await readManifest(manifestPath('dev'));
  const utterances = speech.filter(({ durationS }) => durationS <= LONGEST_S).slice(0, RECORDINGS);
  const passes = await measureOffline([model], { utterances, batchSizes: [1], rounds: 1, ...control });
  const [report] = summarizeOffline(passes, utterances);
  return { ...fastest(report as OfflineReport), source: 'measured' };
}

/** The first report is the model's own, the others are of variants of it. */
async function knownReport({ card }: ResolvedModel, laboratory: string): Promise<OfflineReport | undefined> {
  const record = await readFinishedRecord(laboratory);
  if (record?.protocol.laboratory?.model !== card.id) return undefined;
  const { cpu, logicalCores } = await readEnvironment();
  const isHere = record.environment.cpu === cpu && record.environment.logicalCores === logicalCores;
  return isHere ? record.laboratory?.throughput?.[0] : undefined;
}

/** Results come with the highest throughput first. */
function fastest({ results }: OfflineReport): Division {
  const best = results.find(({ arrangement }) => arrangement.batchSize === 1) ?? results[0];
  if (best === undefined) throw new Error('a report of throughput holds no arrangement');
  const { streams, threads } = best.arrangement;
  return { streams, threads };
}
