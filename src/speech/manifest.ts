import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { describeFileError, parseJson } from '../files.js';
import type { Utterance } from './types.js';

/** One line as it is written: NeMo's form. `id` and `speaker` may be missing there. */
interface ManifestLine {
  readonly id?: string | undefined;
  readonly audio_filepath: string;
  readonly duration: number;
  readonly text: string;
  readonly speaker?: string | undefined;
  /** Start within the recording: pieces of recordings are not served. */
  readonly offset?: number | null | undefined;
}

const lineSchema: z.ZodType<ManifestLine> = z.object({
  id: z.string().min(1).optional(),
  audio_filepath: z.string().min(1),
  duration: z.number().positive(),
  text: z.string(),
  speaker: z.string().optional(),
  offset: z.number().nullish(),
});

/** Who speaks where a manifest does not say it. */
export const UNKNOWN_SPEAKER = 'unknown';

/** Files that are looked up at a time. */
const LOOK_UPS = 64;

/**
 * Reads a manifest: JSON Lines, one utterance a line with `id`, `audio_filepath` (relative to the manifest), `duration`
 * in seconds, `text` and `speaker` (NeMo's form; without an `id` the path is the id, and a speaker may be missing).
 *
 * Every line is checked, and that its recording exists, before anything is returned.
 *
 * @param path - the manifest
 * @throws {InputError} naming file and line, when a line is broken, an id comes twice, a recording is missing, or there
 * is no line at all
 */
export async function readManifest(path: string): Promise<readonly Utterance[]> {
  let content: string;
  try {
    content = await readFile(path, 'utf8');
  } catch (error) {
    throw describeFileError(path, error);
  }
  const folder = dirname(path);
  const lineOfId = new Map<string, number>();
  const utterances: { readonly utterance: Utterance; readonly where: string }[] = [];
  for (const [index, line] of content
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
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

function readLine(line: string, folder: string, where: string): Utterance {
  const fields = parseJson(line, lineSchema, where);
  if (fields.offset) {
    throw new InputError(
      `${where}: whole recordings were required, got an offset of ${fields.offset} s; cut the recording into files`,
    );
  }
  return {
    id: fields.id ?? fields.audio_filepath,
    audioPath: resolve(folder, fields.audio_filepath),
    durationS: fields.duration,
    text: fields.text,
    speaker: fields.speaker ?? UNKNOWN_SPEAKER,
  };
}
