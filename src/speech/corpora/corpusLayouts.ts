import { access, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { InputError } from '../../errors.js';
import { describeFileError, readText, writeFileAtomic } from '../../files.js';
import { readHeaderDuration } from '../audio/duration.js';
import { normaliseTranscript } from '../text/transcript.js';

/**
 * How an unpacked corpus lies on the disk.
 *
 * - `an4`: `an4/etc/an4_<part>.transcription`, parts `train` and `test`, and NIST SPHERE in
 *   `an4/wav/an4_clstk/<speaker>/<id>.sph` (train) and `an4/wav/an4test_clstk/…` (test)
 * - `librispeech`: `LibriSpeech/<part>/<speaker>/<chapter>/<speaker>-<chapter>.trans.txt` and one FLAC an utterance
 */
export type CorpusLayout = 'an4' | 'librispeech';

/** A manifest that was written for a part of a corpus. */
export interface WrittenManifest {
  /** Name of the part: `train`, `test`, `dev-clean`, … */
  readonly part: string;
  readonly path: string;
  readonly utterances: number;
  /** Seconds of speech, by the recordings' headers. */
  readonly durationS: number;
}

/** Options of {@link writeCorpusManifests}. */
export interface IndexOptions {
  /** Called with the utterances indexed so far. */
  readonly progress?: (utterances: number) => void;
  readonly signal?: AbortSignal;
}

/** A recording that the corpus lists. */
interface Listed {
  readonly id: string;
  readonly path: string;
  readonly transcript: string;
  readonly speaker: string;
}

async function readLines(path: string): Promise<readonly string[]> {
  const text = await readText(path);
  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
}

/**
 * Parses a line of CMU's transcription files: `<s> THE WORDS </s> (utterance-id)`, in AN4's test part without the marks.
 *
 * @param line - the line
 * @param where - file and line number, for the error
 * @returns the utterance's id and its normalised transcript
 * @throws {InputError} when the id in parentheses is missing
 * @example
 * parseCmuTranscription('<s> ERASE C Q Q F SEVEN </s> (an407-fcaw-b)', 'an4_test.transcription:2');
 * // { id: 'an407-fcaw-b', text: 'erase c q q f seven' }
 */
export function parseCmuTranscription(line: string, where: string): { readonly id: string; readonly text: string } {
  const match = /^(.*)\(([^()]+)\)\s*$/.exec(line);
  if (match?.[1] === undefined || match[2] === undefined) {
    const shown = JSON.stringify(line.slice(0, 60));
    throw new InputError(`${where}: words and (id) were required, got ${shown}; unpack the corpus again`);
  }
  return { id: match[2].trim(), text: normaliseTranscript(match[1].replace(/<\/?s>|<sil>/gi, ' ')) };
}

/** Lists a part of AN4. The second piece of an utterance's id is its speaker, and the folder of its recording. */
async function listAn4(root: string, part: string): Promise<readonly Listed[]> {
  const path = join(root, 'an4', 'etc', `an4_${part}.transcription`);
  const recordings = join(root, 'an4', 'wav', part === 'test' ? 'an4test_clstk' : 'an4_clstk');
  return (await readLines(path)).map((line, index) => {
    const { id, text } = parseCmuTranscription(line, `${path}:${index + 1}`);
    const speaker = /^\w+-(\w+)-\w+$/.exec(id)?.[1];
    if (speaker === undefined) {
      throw new InputError(
        `${path}:${index + 1}: an id like an406-fcaw-b was required, got ${JSON.stringify(id)}; unpack the corpus again`,
      );
    }
    return { id, path: join(recordings, speaker, `${id}.sph`), transcript: text, speaker };
  });
}

/** Lists a part of LibriSpeech, in the order of speaker, chapter and utterance. */
async function listLibriSpeech(root: string, part: string): Promise<readonly Listed[]> {
  const folder = join(root, 'LibriSpeech', part);
  const paths = await readdir(folder, { recursive: true }).catch((error: unknown) => {
    throw describeFileError(folder, error);
  });
  const listed: Listed[] = [];
  const byNumbers = new Intl.Collator('en', { numeric: true }).compare;
  for (const path of paths.filter((name) => /(^|[/\\])\d[\d-]*\.trans\.txt$/.test(name)).sort(byNumbers)) {
    const chapter = join(folder, path, '..');
    for (const [index, line] of (await readLines(join(folder, path))).entries()) {
      const match = /^(\d+)-\d+-\d+(?= )/.exec(line);
      if (match?.[1] === undefined) {
        const shown = JSON.stringify(line.slice(0, 60));
        throw new InputError(
          `${join(folder, path)}:${index + 1}: an id and words were required, got ${shown}; unpack the corpus again`,
        );
      }
      const transcript = normaliseTranscript(line.slice(match[0].length));
      listed.push({ id: match[0], path: join(chapter, `${match[0]}.flac`), transcript, speaker: match[1] });
    }
  }
  return listed;
}

/**
 * Names the parts of an unpacked corpus.
 *
 * @param layout - how the corpus lies on the disk
 * @param folder - the folder that holds `an4` or `LibriSpeech`
 * @throws {InputError} when the folder holds no such corpus
 */
export async function listCorpusParts(layout: CorpusLayout, folder: string): Promise<readonly string[]> {
  if (layout === 'an4') {
    const parts: string[] = [];
    for (const part of ['train', 'test']) {
      const path = join(folder, 'an4', 'etc', `an4_${part}.transcription`);
      if (
        await access(path).then(
          () => true,
          () => false,
        )
      ) {
        parts.push(part);
      }
    }
    if (parts.length > 0) return parts;
  } else {
    const entries = await readdir(join(folder, 'LibriSpeech'), { withFileTypes: true }).catch(() => []);
    const parts = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    if (parts.length > 0) return parts.sort();
  }
  const required = layout === 'an4' ? 'an4/etc/an4_train.transcription' : 'LibriSpeech/<part>';
  throw new InputError(`${folder}: ${required} was required, got nothing of it; unpack the corpus there`);
}

/**
 * Writes a manifest (JSON Lines) for each part of a corpus that lies unpacked on the disk: transcripts normalised,
 * durations from the recordings' headers. The manifests lie in the folder itself and name the audio relative to it.
 *
 * @param layout - how the corpus lies on the disk
 * @param folder - the folder that holds `an4` or `LibriSpeech`
 * @returns what was written, a manifest a part
 * @throws {InputError} when a list or a recording is missing or damaged
 */
export async function writeCorpusManifests(
  layout: CorpusLayout,
  folder: string,
  options: IndexOptions = {},
): Promise<readonly WrittenManifest[]> {
  const written: WrittenManifest[] = [];
  let done = 0;
  for (const part of await listCorpusParts(layout, folder)) {
    const listed = await (layout === 'an4' ? listAn4 : listLibriSpeech)(folder, part);
    if (listed.length === 0) {
      throw new InputError(`${folder}: utterances were required in part ${part}, got none; unpack the corpus again`);
    }
    const lines: string[] = [];
    let durationS = 0;
    for (const { id, path, transcript, speaker } of listed) {
      options.signal?.throwIfAborted();
      const header = await readHeaderDuration(path);
      durationS += header.durationS;
      const audio = relative(folder, path).replaceAll('\\', '/');
      const line = { id, audio_filepath: audio, duration: header.durationS, text: transcript, speaker };
      lines.push(`${JSON.stringify(line)}\n`);
      done += 1;
      options.progress?.(done);
    }
    const path = join(folder, `${part}.jsonl`);
    await writeFileAtomic(path, lines.join(''));
    written.push({ part, path, utterances: lines.length, durationS });
  }
  return written;
}
