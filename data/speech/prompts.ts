import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { InputError } from '../../src/errors.js';
import { describeFileError, sha256OfFile, writeFileAtomic } from '../../src/files.js';
import { readHeaderDuration } from '../../src/speech/audio/duration.js';
import { normaliseTranscript } from '../../src/speech/text/transcript.js';

/** A telephone prompt of the Debian packages. */
export interface Prompt {
  /** Name of the recording without its ending, below the speaker's folder: `activated`, `digits/10`. */
  readonly name: string;
  /** Normalised transcript. */
  readonly text: string;
}

/** The parts that the prompts are divided into; `calibration` may be trained on and overlaps `training`. */
export interface PromptSplit {
  /** Judges models; nothing is ever tuned or trained on it. */
  readonly holdout: readonly Prompt[];
  /** Tuning and search look at it; nothing is trained on it. */
  readonly dev: readonly Prompt[];
  /** Feeds the calibration of static quantization. */
  readonly calibration: readonly Prompt[];
  /** What a shipped model may be trained on. */
  readonly training: readonly Prompt[];
}

/** Where {@link writePromptSets} reads and writes. */
export interface PromptSetFolders {
  /** Both Debian packages, unpacked one over the other (`usr/share/…`), their recordings made FLAC. */
  readonly packages: string;
  /** Text file with the hold-out's names, one a line. */
  readonly holdoutList: string;
  /** Folder that the manifests, the lists and `audio/` are written to. */
  readonly target: string;
}

const transcriptsPath = 'usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz';
const recordingsPath = 'usr/share/asterisk/sounds/en_US_f_Allison';
const devSize = 64;
const calibrationSize = 64;

/**
 * Reads the package's list of transcripts: `name: What is said.` a line, comments after `;`.
 *
 * @param list - the list's text
 * @returns prompts in the list's order; those whose transcript describes a sound (`[beep]`), has a remark in
 * parentheses, or is empty after normalisation are left out
 */
export function parsePromptList(list: string): readonly Prompt[] {
  return list.split('\n').flatMap((line) => {
    const colon = line.indexOf(':');
    if (line.startsWith(';') || colon < 0 || /[[(]/.test(line.slice(colon))) return [];
    const text = normaliseTranscript(line.slice(colon + 1));
    return text ? [{ name: line.slice(0, colon).trim(), text }] : [];
  });
}

/**
 * Divides the prompts by the project's fixed rule. What is not hold-out is sorted by the MD5 of its name: the first 64
 * are `dev`, the next 64 `calibration`; `training` is the rest without `dev` and without any sentence of the hold-out
 * or of `dev`.
 *
 * @param candidates - prompts that have a transcript and a recording
 * @param holdoutNames - names of the hold-out
 * @throws {InputError} when a hold-out name is no candidate
 */
export function splitPrompts(candidates: readonly Prompt[], holdoutNames: readonly string[]): PromptSplit {
  const byName = new Map(candidates.map((prompt) => [prompt.name, prompt]));
  const holdout = holdoutNames.map((name) => {
    const prompt = byName.get(name);
    if (prompt === undefined) {
      throw new InputError(
        `hold-out prompt ${name}: a transcript and a recording were required, got none; check the packages' version`,
      );
    }
    return prompt;
  });
  const held = new Set(holdoutNames);
  const rest = [...byName.values()]
    .filter(({ name }) => !held.has(name))
    .map((prompt) => ({ prompt, key: createHash('md5').update(prompt.name).digest('hex') }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ prompt }) => prompt);
  const dev = rest.slice(0, devSize);
  const judged = new Set([...holdout, ...dev].map(({ text }) => text));
  return {
    holdout,
    dev,
    calibration: rest.slice(devSize, devSize + calibrationSize),
    training: rest.slice(devSize).filter(({ text }) => !judged.has(text)),
  };
}

/**
 * Marks the prompts that have only words which occur in a training text.
 *
 * @returns one mark a prompt, in the prompts' order
 */
export function markInVocabulary(prompts: readonly Prompt[], training: readonly Prompt[]): readonly boolean[] {
  const known = new Set(training.flatMap(({ text }) => text.split(' ')));
  return prompts.map(({ text }) => text.split(' ').every((word) => known.has(word)));
}

async function listRecordings(folder: string): Promise<Set<string>> {
  try {
    const paths = await readdir(folder, { recursive: true });
    return new Set(paths.map((path) => path.replaceAll('\\', '/')));
  } catch (error) {
    throw describeFileError(folder, error);
  }
}

/**
 * Makes the embedded speech from the unpacked Debian packages: manifests and recordings (copied as they are) of
 * `holdout`, `dev` and `calibration`, the names of the hold-out and of the training part, the transcripts of all
 * candidates (`transcripts.tsv`), and `SHA256SUMS` over them.
 *
 * The manifest's extra field `in_vocabulary` (hold-out only) says that all words occur in the prompts outside the
 * hold-out that have a plain transcript.
 *
 * @returns the division that was written
 * @throws {InputError} when a package's file or a hold-out prompt is missing
 */
export async function writePromptSets(folders: PromptSetFolders): Promise<PromptSplit> {
  const recordings = join(folders.packages, recordingsPath);
  const present = await listRecordings(recordings);
  const list = await readFile(join(folders.packages, transcriptsPath)).catch((error: unknown) => {
    throw describeFileError(join(folders.packages, transcriptsPath), error);
  });
  const names = await readFile(folders.holdoutList, 'utf8').catch((error: unknown) => {
    throw describeFileError(folders.holdoutList, error);
  });
  const candidates = parsePromptList(gunzipSync(list).toString('utf8')).filter(({ name }) =>
    present.has(`${name}.flac`),
  );
  const split = splitPrompts(candidates, names.split('\n').filter(Boolean));
  const held = new Set(split.holdout);
  const marks = markInVocabulary(
    split.holdout,
    candidates.filter((prompt) => !held.has(prompt)),
  );

  await rm(join(folders.target, 'audio'), { recursive: true, force: true });
  const written: string[] = [];
  for (const part of ['holdout', 'dev', 'calibration'] as const) {
    const lines: string[] = [];
    for (const [index, { name, text }] of split[part].entries()) {
      const audio = `audio/${name}.flac`;
      const target = join(folders.target, audio);
      await mkdir(dirname(target), { recursive: true });
      await copyFile(join(recordings, `${name}.flac`), target);
      const { durationS } = await readHeaderDuration(target);
      const line = { id: name, audio_filepath: audio, duration: durationS, text, speaker: 'allison' };
      lines.push(JSON.stringify(part === 'holdout' ? { ...line, in_vocabulary: marks[index] } : line));
      written.push(audio);
    }
    await writeFileAtomic(join(folders.target, `${part}.jsonl`), `${lines.join('\n')}\n`);
    written.push(`${part}.jsonl`);
  }
  for (const part of ['holdout', 'training'] as const) {
    const lines = split[part].map(({ name }) => `${name}\n`).join('');
    await writeFileAtomic(join(folders.target, `${part}.txt`), lines);
    written.push(`${part}.txt`);
  }
  const transcripts = candidates.map(({ name, text }) => `${name}\t${text}\n`).join('');
  await writeFileAtomic(join(folders.target, 'transcripts.tsv'), transcripts);
  written.push('transcripts.tsv');
  const sums: string[] = [];
  for (const path of written.sort()) sums.push(`${await sha256OfFile(join(folders.target, path))}  ${path}\n`);
  await writeFileAtomic(join(folders.target, 'SHA256SUMS'), sums.join(''));
  return split;
}
