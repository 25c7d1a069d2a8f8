import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { readJson, sha256OfBytes, writeFileAtomic } from '../files.js';
import type { Busyness } from '../measure/machine/busyness.js';
import type { Environment } from '../measure/machine/environment.js';
import { NORMALISER_NAMES, type NormaliserName } from '../speech/text/normaliser.js';
import { CHECKSUMS_FILE, checksumLine, verifyFiles } from './checksums.js';
import { environmentSchema } from './records.js';

/** Version of the files in which other programs stand beside ours; raised when a field changes its meaning. */
export const PEERS_SCHEMA = 'quantlab.peers/1' as const;

/** A program with a model: what is compared. */
export interface PeerCondition {
  readonly id: string;
  /** For tables and figures. */
  readonly title: string;
  /** What it is, in a sentence. */
  readonly description: string;
  /** Whether the program is this one. */
  readonly isOurs: boolean;
  /** Of the program, and of what it rests on. */
  readonly version: string;
  /** Of the network: what it loads besides words and settings. */
  readonly sizeBytes: number;
}

/** A recording, heard by a condition. */
export interface PeerHearing {
  readonly condition: string;
  readonly threads: number;
  readonly recording: string;
  /** Of the clock; the median where a recording was heard several times in one turn. */
  readonly ms: number;
  /** Of all threads, user and system. */
  readonly processorMs: number;
  /** Of the process since it began. */
  readonly peakBytes: number;
  readonly text: string;
  /** Milliseconds of each of {@link PeerResults.parts}, where the condition tells them apart. */
  readonly parts?: readonly number[] | undefined;
  /** Digest of what the network gave, where the condition tells it: equal digests are equal outputs, bit for bit. */
  readonly output?: string | undefined;
}

/** One file of `data/results/peers`: other programs beside ours on the same weights and recordings, and all that was observed. */
export interface PeerResults {
  readonly schema: typeof PEERS_SCHEMA;
  /** The model that all of them run. */
  readonly model: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly environment: Environment;
  /** How busy the machine was at the end; the bench's own processes are in the load of the last minute. */
  readonly loadAfter: Busyness;
  /** Share of the processors' time that processes other than the bench's had while it measured; `null` where it is not told. */
  readonly othersShare: number | null;
  /** What is in a time, and how it was taken: sentences. */
  readonly method: readonly string[];
  /** What the recordings are, with their licence. */
  readonly corpus: string;
  readonly normaliser: NormaliserName;
  readonly conditions: readonly PeerCondition[];
  /** Conditions that times are set beside. */
  readonly beside: readonly string[];
  /** Condition whose word errors the others' are set against. */
  readonly float: string;
  /** Condition whose outputs the others' are held against. */
  readonly sameAs?: string | undefined;
  /** What a time is made of, in order. */
  readonly parts: readonly string[];
  /** What could not be had, and why. */
  readonly missing: readonly { readonly title: string; readonly reason: string }[];
  readonly recordings: readonly { readonly id: string; readonly durationS: number; readonly text: string }[];
  readonly heard: readonly PeerHearing[];
}

/** Where results of peers lie where nothing else is said. */
export const PEERS_RESULTS: string = join('data', 'results', 'peers');

/** What is measured beside other programs: the names of the files. */
export const PEER_NAMES = ['whisper', 'deepspeech2'] as const;

/** The file of what was measured beside other programs, `whisper` or `deepspeech2`. */
export function peersFile(name: (typeof PEER_NAMES)[number], folder: string = PEERS_RESULTS): string {
  return join(folder, `${name}.json`);
}

const positive: z.ZodNumber = z.number().positive();

const busynessSchema: z.ZodType<Busyness> = z.object({
  lastMinute: z.number(),
  cpuPressure: z.number().nullable(),
  memoryPressure: z.number().nullable(),
  ioPressure: z.number().nullable(),
  warning: z.string().nullable(),
});

const peerResultsSchema: z.ZodType<PeerResults> = z
  .object({
    schema: z.literal(PEERS_SCHEMA),
    model: z.string(),
    startedAt: z.string(),
    finishedAt: z.string(),
    environment: environmentSchema,
    loadAfter: busynessSchema,
    othersShare: z.number().nullable(),
    method: z.array(z.string()),
    corpus: z.string(),
    normaliser: z.enum(NORMALISER_NAMES),
    conditions: z
      .array(
        z.object({
          id: z.string(),
          title: z.string(),
          description: z.string(),
          isOurs: z.boolean(),
          version: z.string(),
          sizeBytes: positive,
        }),
      )
      .min(1),
    beside: z.array(z.string()),
    float: z.string(),
    sameAs: z.string().optional(),
    parts: z.array(z.string()),
    missing: z.array(z.object({ title: z.string(), reason: z.string() })),
    recordings: z.array(z.object({ id: z.string(), durationS: positive, text: z.string() })).min(1),
    heard: z
      .array(
        z.object({
          condition: z.string(),
          threads: z.number().int().positive(),
          recording: z.string(),
          ms: positive,
          processorMs: z.number().nonnegative(),
          peakBytes: positive,
          text: z.string(),
          parts: z.array(z.number()).optional(),
          output: z.string().optional(),
        }),
      )
      .min(1),
  })
  .superRefine((results, context) => {
    for (const message of contradictionsOf(results)) context.addIssue({ code: 'custom', path: ['heard'], message });
  });

/** What cannot be: a name that nothing has, or conditions that did not hear the same recordings on as many threads. */
function contradictionsOf(results: PeerResults): readonly string[] {
  const conditions = new Set(results.conditions.map(({ id }) => id));
  const recordings = new Set(results.recordings.map(({ id }) => id));
  const unknown = [
    ...[...results.beside, results.float, results.sameAs ?? results.float].filter((id) => !conditions.has(id)),
    ...results.heard.flatMap(({ condition, recording }) => [
      ...(conditions.has(condition) ? [] : [condition]),
      ...(recordings.has(recording) ? [] : [recording]),
    ]),
  ];
  if (unknown.length > 0) return [`conditions and recordings that are listed were required, got ${unknown[0]}`];
  for (const threads of threadCountsOf(results)) {
    const heardBy = results.conditions.flatMap(({ id }) => {
      const heard = results.heard.filter((one) => one.condition === id && one.threads === threads);
      return heard.length === 0 ? [] : [{ id, recordings: heard.map(({ recording }) => recording).sort() }];
    });
    const [first] = heardBy;
    const other = heardBy.find((one) => one.recordings.join('\n') !== first?.recordings.join('\n'));
    const twice = heardBy.find((one) => new Set(one.recordings).size < one.recordings.length);
    if (twice !== undefined) return [`each recording once was required, got one twice by ${twice.id}`];
    if (other !== undefined && first !== undefined) {
      return [`the recordings that ${first.id} heard on ${threads} threads were required, got others by ${other.id}`];
    }
  }
  return [];
}

/** Numbers of threads that were measured, in the order of the file. */
export function threadCountsOf({ heard }: Pick<PeerResults, 'heard'>): readonly number[] {
  return [...new Set(heard.map(({ threads }) => threads))];
}

/** What readers need of such a file. */
export interface FinishedPeers {
  readonly results: PeerResults;
  /** Of the file, so that what is made from it can name it. */
  readonly sha256: string;
}

/**
 * Reads the results of peers: the file must be as it was written, and its observations complete.
 *
 * @param path - of the file; its checksum stands beside it
 * @throws {InputError} when it is missing, changed, or not of the schema; the message names file and field
 */
export async function readPeers(path: string): Promise<FinishedPeers> {
  const results = await readJson(path, peerResultsSchema);
  await verifyFiles(dirname(path), [basename(path)]);
  return { results, sha256: sha256OfBytes(await readFile(path)) };
}

/**
 * Writes them, one observation a line, and the checksum beside them.
 *
 * @throws {InputError} when they contradict themselves
 * @throws {UnavailableError} when the place cannot be written
 */
export async function writePeers(path: string, results: PeerResults): Promise<void> {
  const checked = peerResultsSchema.safeParse(results);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw new InputError(
      `${path}: results without contradictions were required, got: ${issue?.message}; measure again`,
    );
  }
  const { heard, ...rest } = results;
  const head = JSON.stringify(rest, null, 1).replace(/\n}$/, '');
  const text = `${head},\n "heard": [\n${heard.map((one) => JSON.stringify(one)).join(',\n')}\n ]\n}\n`;
  await writeFileAtomic(path, text);
  const [folder, name] = [dirname(path), basename(path)];
  const sums = join(folder, CHECKSUMS_FILE);
  const others = existsSync(sums) ? (await readFile(sums, 'utf8')).split('\n') : [];
  const kept = others.filter((line) => line !== '' && !line.endsWith(`  ${name}`)).map((line) => `${line}\n`);
  await writeFileAtomic(sums, [...kept, checksumLine(sha256OfBytes(Buffer.from(text)), name)].sort().join(''));
}
