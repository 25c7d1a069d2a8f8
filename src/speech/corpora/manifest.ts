import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { InputError } from '../../errors.js';
import { describeFileError, parseJson, readText } from '../../files.js';
import type { Utterance } from '../types.js';

/** One line as it is written: NeMo's form. `id` and `speaker` may be missing there. */
interface ManifestLine {
  readonly id?: string | undefined;
  readonly audio_filepath: string;
  readonly duration: number;
  readonly text: string;
  readonly speaker?: string | undefined;
  /** Start within the recording: with it the line means that part, of its duration; without it the whole. */
  readonly offset?: number | null | undefined;
}

const lineSchema: z.ZodType<ManifestLine> = z.object({
  id: z.string().min(1).optional(),
  audio_filepath: z.string().min(1),
  duration: z.number().positive(),
  text: z.string(),
  speaker: z.string().optional(),
  offset: z.number().nonnegative().nullish(),
});

/** Who speaks where a manifest does not say it. */
export const UNKNOWN_SPEAKER = 'unknown';

/** Files that are looked up at a time. */
const LOOK_UPS = 64;

/** The largest public corpora have some million utterances; a file above these bounds is no manifest. */
const MAXIMUM_LINES = 5_000_000;
const MAXIMUM_BYTES = 500_000_000;

/** An utterance, and the file and line that it stands in. */
interface ListedUtterance {
  readonly utterance: Utterance;
  readonly where: string;
}

/**
 * Reads a manifest: JSON Lines, one utterance a line with `id`, `audio_filepath` (relative to the manifest), `duration`
 * in seconds, `text` and `speaker` (NeMo's form; without an `id` the path is the id, and a speaker may be missing). A line
 * with an `offset` in seconds means the part of the recording that begins there and is `duration` long; without one, the whole.
 *
 * Every line is checked, and that its recording exists, before anything is returned. `readUtterances` tries the sound, too.
 *
 * @param path - the manifest
 * @throws {InputError} naming file and line, when a line is broken, an id comes twice, a recording is missing, or there
 * is no line at all
 */
export async function readManifest(path: string): Promise<readonly Utterance[]> {
  const utterances = await listUtterances(path);
  for (let start = 0; start < utterances.length; start += LOOK_UPS) {
    const found = await Promise.all(
      utterances.slice(start, start + LOOK_UPS).map(async ({ utterance, where }) => ({
        where,
        audioPath: utterance.audioPath,
        isFile: await stat(utterance.audioPath).then(
          (file) => file.isFile(),
          () => false,
        ),
      })),
    );
    const missing = found.find(({ isFile }) => !isFile);
    if (missing !== undefined) {
      throw new InputError(
        `${missing.where}: a recording was required, got none at ${missing.audioPath}; restore it or take the line out`,
      );
    }
  }
  return utterances.map(({ utterance }) => utterance);
}

/**
 * Reads the lines of a manifest as {@link readManifest} does, without a look at the recordings.
 *
 * @throws {InputError} naming file and line, when a line is broken, an id comes twice, or there is no line at all
 */
export async function parseManifest(path: string): Promise<readonly Utterance[]> {
  return (await listUtterances(path)).map(({ utterance }) => utterance);
}

async function listUtterances(path: string): Promise<readonly ListedUtterance[]> {
  const folder = dirname(path);
  const lineOfId = new Map<string, number>();
  const utterances: ListedUtterance[] = [];
  for (const [index, line] of (await readLines(path)).entries()) {
    if (line.trim() === '') continue;
    const where = `${path}:${index + 1}`;
    const utterance = readLine(line, folder, where);
    const earlier = lineOfId.get(utterance.id);
    if (earlier !== undefined) {
      throw new InputError(
        `${where}: an id of its own was required, got "${utterance.id}" of line ${earlier} again; rename one of them`,
      );
    }
    lineOfId.set(utterance.id, index + 1);
    utterances.push({ utterance, where });
  }
  if (utterances.length === 0) {
    throw new InputError(`${path}: one utterance or more was required, got an empty manifest; add lines to it`);
  }
  return utterances;
}

async function readLines(path: string): Promise<readonly string[]> {
  let content: string;
  try {
    const { size } = await stat(path);
    if (size > MAXIMUM_BYTES) throw tooLarge(path, `${MAXIMUM_BYTES} bytes`, `${size}`);
    content = await readText(path);
  } catch (error) {
    throw error instanceof InputError ? error : describeFileError(path, error);
  }
  const lines = content.split(/\r?\n/);
  if (lines.length > MAXIMUM_LINES) throw tooLarge(path, `${MAXIMUM_LINES} lines`, `${lines.length}`);
  return lines;
}

function tooLarge(path: string, most: string, got: string): InputError {
  return new InputError(`${path}: a manifest of at most ${most} was required, got ${got}; divide it into several`);
}

function readLine(line: string, folder: string, where: string): Utterance {
  const { id, audio_filepath, duration, offset, text, speaker = UNKNOWN_SPEAKER } = parseJson(line, lineSchema, where);
  const isPart = offset !== undefined && offset !== null;
  return {
    // A part is named as W3C's media fragments are: a recording may be in the manifest several times.
    id: id ?? (isPart ? `${audio_filepath}#t=${offset},${Number((offset + duration).toFixed(6))}` : audio_filepath),
    audioPath: resolve(folder, audio_filepath),
    durationS: duration,
    ...(isPart && { startS: offset }),
    text,
    speaker,
  };
}
