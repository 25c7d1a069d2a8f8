import { z } from 'zod';
import { InputError } from '../../../errors.js';
import { parseJson, readText } from '../../../files.js';

/** What a file of labels says. */
export interface LabelFile {
  /** Of each class, in order; what stands for nothing is empty. */
  readonly labels: readonly string[];
  /** The class that is called a blank, where one is. */
  readonly blank: number | undefined;
}

/** A class and where it stands in its file. */
interface Entry {
  readonly token: string;
  readonly id: number;
  readonly where: string;
}

/** What blanks are called, the surest name first: sherpa and icefall, ESPnet and WeNet, Hugging Face, Kaldi. */
const BLANKS: readonly string[] = ['<blk>', '<blank>', '<pad>', '[PAD]', '<eps>'];
const SPACES: readonly string[] = ['<space>', '<SPACE>', '<sp>'];
/** Names in brackets stand for nothing that is said: `<s>`, `<unk>`, `<sos/eos>`, `[UNK]`. */
const SPECIAL = /^(<[^<>\s]+>|\[[A-Z]+\])$/;
/** One byte of a character, of SentencePiece's fallback. */
const BYTE = /^<0x[0-9A-Fa-f]{2}>$/;

/**
 * Reads the labels of a network: a `vocab.json` (Hugging Face: tokens and their ids) or a `tokens.txt` (Kaldi, sherpa: a token and its
 * id in each line; a line with an id alone is the space).
 *
 * @throws {InputError} when the file cannot be read, or its ids are not 0, 1, 2 and so on, each once; the message names what is wrong
 */
export async function readLabelFile(path: string): Promise<LabelFile> {
  const text = await readText(path);
  const entries = path.endsWith('.json') ? jsonEntries(text, path) : lineEntries(text, path);
  const tokens = inOrder(entries, path);
  const blanks = BLANKS.map((name) => tokens.indexOf(name)).filter((id) => id >= 0);
  return { labels: tokens.map(labelOf), blank: blanks[0] };
}

const vocabularySchema: z.ZodType<[string, number][]> = z
  .custom<object>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'an object is required',
  )
  .transform((value) => Object.entries(value))
  .pipe(z.array(z.tuple([z.string(), z.int('an id is required; of several languages, keep one').nonnegative()])));

function jsonEntries(text: string, path: string): Entry[] {
  const entries = parseJson(text, vocabularySchema, path);
  return entries.map(([token, id]) => ({ token, id, where: `${path}: ${JSON.stringify(token)}` }));
}

function lineEntries(text: string, path: string): Entry[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    const where = `${path}:${index + 1}`;
    const [, token, id] = /^(?:(.*\S)\s+|\s*)(\d+)\s*$/u.exec(line) ?? [];
    if (id === undefined) {
      throw new InputError(`${where}: a token and its id were required, got ${JSON.stringify(line)}; mend the line`);
    }
    // Symbols that make a graph of words unambiguous; no network gives them.
    return token !== undefined && /^#\d+$/.test(token) ? [] : [{ token: token ?? ' ', id: Number(id), where }];
  });
}

function inOrder(entries: readonly Entry[], path: string): string[] {
  const tokens: string[] = [];
  const known = new Set<number>();
  for (const { token, id, where } of entries) {
    if (id >= entries.length || known.has(id)) {
      const came = known.has(id) ? 'twice' : 'beyond them';
      throw new InputError(
        `${where}: ids 0…${entries.length - 1}, each once, were required, got ${id} ${came}; mend it`,
      );
    }
    if (BYTE.test(token)) {
      throw new InputError(`${where}: whole characters were required, got a byte; use a model without pieces of bytes`);
    }
    known.add(id);
    tokens[id] = token;
  }
  if (tokens.length < 2) {
    throw new InputError(`${path}: 2 labels or more were required, got ${tokens.length}; check the file`);
  }
  return tokens;
}

function labelOf(token: string): string {
  if (SPACES.includes(token)) return ' ';
  return SPECIAL.test(token) ? '' : token;
}
