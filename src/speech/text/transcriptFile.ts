import { z } from 'zod';
import { InputError } from '../../errors.js';
import { parseJson } from '../../files.js';
import { readAllLines } from '../languageModel/textLines.js';

/** How a file of transcripts is written: `lines`, a text a line; `kaldi`, `id text` a line; `jsonl`, a JSON object a line. */
export type TranscriptFormat = 'lines' | 'kaldi' | 'jsonl';

/** All of them. */
export const TRANSCRIPT_FORMATS: readonly TranscriptFormat[] = ['lines', 'kaldi', 'jsonl'];

/** A text, and its id where the file has one. */
interface Transcript {
  readonly id: string | undefined;
  readonly text: string;
  readonly speaker: string | undefined;
}

/** A reference and what was heard for it. */
export interface TranscriptPair {
  /** The id, or the number of the line. */
  readonly id: string;
  readonly reference: string;
  readonly text: string;
  readonly speaker: string | undefined;
}

interface Line {
  readonly id?: string | number | undefined;
  readonly audio_filepath?: string | undefined;
  readonly text?: string | undefined;
  readonly pred_text?: string | undefined;
  readonly speaker?: string | undefined;
}

const lineSchema: z.ZodType<Line> = z.object({
  id: z.union([z.string().min(1), z.number()]).optional(),
  audio_filepath: z.string().min(1).optional(),
  text: z.string().optional(),
  pred_text: z.string().optional(),
  speaker: z.string().optional(),
});

/** An id as corpora give them: digits with letters or signs between them, as in `1089-134686-0001`. */
const ID = /^(?=\S*\d)(?=\S*[\p{L}_-])(?!\d+(?:st|nd|rd|th|s)$)\S+$/u;

/** Ids named in an error. */
const NAMED = 3;

/**
 * Reads references and what was heard for them from two files. Texts with ids (JSON Lines by `id` or else `audio_filepath`,
 * Kaldi's `id text`) are joined by them, whatever their order; lines without ids by their number. Of JSON Lines the text heard is
 * `pred_text`, where there is one (NeMo's), else `text`.
 *
 * @param format - of both; by default JSON Lines where the name ends in `.jsonl` or `.json` or every line is in braces, `id text` where the first word of every
 * line in both looks like an id of its own and they share one, else a text a line
 * @returns the pairs in the order of the references, and the form in which they were read
 * @throws {InputError} naming what is missing, when a line is broken, an id is there twice or on one side alone, or the numbers
 * of lines differ
 */
export async function readTranscriptPairs(
  referencePath: string,
  hypothesisPath: string,
  format?: TranscriptFormat,
): Promise<{ readonly format: TranscriptFormat; readonly pairs: readonly TranscriptPair[] }> {
  const references = await readAllLines(referencePath);
  const hypotheses = await readAllLines(hypothesisPath);
  const isJson = [isJsonLines(references, referencePath), isJsonLines(hypotheses, hypothesisPath)];
  if (format === undefined && isJson[0] !== isJson[1]) {
    throw new InputError(
      `${referencePath}, ${hypothesisPath}: two files of one form were required, got JSON Lines and another; convert one of them`,
    );
  }
  const chosen = format ?? (isJson[0] ? 'jsonl' : haveIds(references, hypotheses) ? 'kaldi' : 'lines');
  const [said, heard] = [
    parse(references, referencePath, chosen, false),
    parse(hypotheses, hypothesisPath, chosen, true),
  ];
  if (said.length === 0)
    throw new InputError(`${referencePath}: one text or more was required, got none; give transcripts`);
  const pairs =
    chosen === 'lines'
      ? byLine(said, heard, referencePath, hypothesisPath)
      : byId(said, heard, referencePath, hypothesisPath);
  return { format: chosen, pairs };
}

function parse(
  lines: readonly string[],
  path: string,
  format: TranscriptFormat,
  isHeard: boolean,
): readonly Transcript[] {
  if (format === 'lines') return lines.map((text) => ({ id: undefined, text, speaker: undefined }));
  const lineOfId = new Map<string, number>();
  return lines.flatMap((line, index): Transcript[] => {
    if (line.trim() === '') return [];
    const where = `${path}:${index + 1}`;
    const transcript = format === 'jsonl' ? fromJson(line, where, isHeard) : fromKaldi(line);
    const { id = '' } = transcript;
    const earlier = lineOfId.get(id);
    if (earlier !== undefined) {
      throw new InputError(
        `${where}: an id of its own was required, got "${id}" of line ${earlier} again; take one out`,
      );
    }
    lineOfId.set(id, index + 1);
    return [transcript];
  });
}

function fromJson(line: string, where: string, isHeard: boolean): Transcript {
  const fields = parseJson(line, lineSchema, where);
  const id = fields.id ?? fields.audio_filepath;
  const text = (isHeard ? fields.pred_text : undefined) ?? fields.text;
  if (id === undefined || text === undefined) {
    const missing = id === undefined ? 'id or audio_filepath' : 'text';
    throw new InputError(`${where}: the field ${missing} was required, got none; write it`);
  }
  return { id: String(id), text, speaker: fields.speaker };
}

function fromKaldi(line: string): Transcript {
  const [, id = '', text = ''] = /^[ \t]*([^ \t]+)[ \t]*(.*)$/s.exec(line) ?? [];
  return { id, text, speaker: undefined };
}

function byLine(
  said: readonly Transcript[],
  heard: readonly Transcript[],
  referencePath: string,
  hypothesisPath: string,
): readonly TranscriptPair[] {
  if (said.length !== heard.length) {
    throw new InputError(
      `${hypothesisPath}: ${said.length} lines were required, as many as in ${referencePath}, got ${heard.length}; give a line for each, empty where nothing was heard`,
    );
  }
  return said.map(({ text: reference, speaker }, index) => {
    return { id: `${index + 1}`, reference, text: heard[index]?.text ?? '', speaker };
  });
}

function byId(
  said: readonly Transcript[],
  heard: readonly Transcript[],
  referencePath: string,
  hypothesisPath: string,
): readonly TranscriptPair[] {
  const texts = new Map(heard.map(({ id, text }) => [id, text]));
  const wanted = new Set(said.map(({ id }) => id));
  requireNone(
    said.filter(({ id }) => !texts.has(id)),
    hypothesisPath,
    `every id of ${referencePath}`,
    'lacks',
  );
  requireNone(
    heard.filter(({ id }) => !wanted.has(id)),
    hypothesisPath,
    `only ids of ${referencePath}`,
    'has besides',
  );
  return said.map(({ id = '', text: reference, speaker }) => ({ id, reference, text: texts.get(id) ?? '', speaker }));
}

function requireNone(wrong: readonly Transcript[], path: string, wanted: string, verb: string): void {
  if (wrong.length === 0) return;
  const named = wrong.slice(0, NAMED).map(({ id }) => id);
  const more = wrong.length > NAMED ? ` and ${wrong.length - NAMED} more` : '';
  throw new InputError(
    `${path}: ${wanted} were required, got a file that ${verb} ${named.join(', ')}${more}; complete it`,
  );
}

/** Whatever the name: the braces and the names of the fields would be counted as words. */
function isJsonLines(lines: readonly string[], path: string): boolean {
  const full = lines.filter((line) => line.trim() !== '');
  return /\.jsonl?(\.gz)?$/i.test(path) || (full.length > 0 && full.every((line) => /^\s*\{.*\}\s*$/s.test(line)));
}

function haveIds(references: readonly string[], hypotheses: readonly string[]): boolean {
  const [said, heard] = [firstWords(references), firstWords(hypotheses)];
  return said !== undefined && heard !== undefined && [...heard].some((id) => said.has(id));
}

/** The first words of all lines; `undefined` unless each is an id of its own. */
function firstWords(lines: readonly string[]): ReadonlySet<string> | undefined {
  const full = lines.filter((line) => line.trim() !== '').map((line) => line.trim().split(/[ \t]+/)[0] ?? '');
  const ids = new Set(full);
  return full.length > 0 && ids.size === full.length && full.every((word) => ID.test(word)) ? ids : undefined;
}
