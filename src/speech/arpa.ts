import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip, gzipSync } from 'node:zlib';
import { InputError, QuantlabError } from '../errors.js';
import { describeFileError, writeFileAtomic } from '../files.js';
import { type Ngram, NgramModel } from './ngram.js';

/** Orders that are read. */
const HIGHEST_ORDER = 5;

/**
 * Reads an n-gram language model in ARPA form, plain or compressed by gzip (`.gz`): what SRILM, KenLM's `lmplz` and
 * {@link writeArpa} write.
 *
 * @param path - order 1 to 5, natural order of sections
 * @throws {InputError} when the file is missing, is cut, or is no ARPA file
 * @example (await readArpa('data/lm/prompts.arpa.gz')).order // 3
 */
export async function readArpa(path: string): Promise<NgramModel> {
  const ngrams: Ngram[] = [];
  const counts: number[] = [];
  let section = -1;
  let ended = false;
  let line = 0;
  try {
    for await (const raw of createInterface({ input: openText(path), crlfDelay: Number.POSITIVE_INFINITY })) {
      line++;
      const text = raw.trim();
      if (text === '') continue;
      if (text.startsWith('\\')) {
        ended = text === '\\end\\';
        if (ended) break;
        section = text === '\\data\\' ? 0 : Number(/^\\(\d+)-grams:$/.exec(text)?.[1] ?? Number.NaN);
        if (Number.isNaN(section)) throw notArpa(path, line, 'a section', text);
      } else if (section === 0) {
        const [, order, count] = /^ngram (\d+) *= *(\d+)$/.exec(text) ?? [];
        if (order === undefined || Number(order) !== counts.length + 1) throw notArpa(path, line, 'a count', text);
        counts.push(Number(count));
      } else if (section > 0) {
        ngrams.push(parseNgram(text, section) ?? refuse(path, line, text));
      }
      // Text before \data\ is a comment.
    }
  } catch (error) {
    if (error instanceof QuantlabError) throw error;
    if (/^Z_|incorrect header|unexpected end/.test(`${(error as NodeJS.ErrnoException).code ?? ''}${String(error)}`)) {
      throw new InputError(`${path}: a whole gzip file was required, got ${(error as Error).message}; restore it`);
    }
    throw describeFileError(path, error);
  }
  check(path, counts, ngrams, ended);
  return new NgramModel(counts.length, ngrams);
}

function openText(path: string): Readable {
  const file = createReadStream(path);
  if (!path.endsWith('.gz')) return file;
  const plain = createGunzip();
  file.on('error', (error) => plain.destroy(error));
  return file.pipe(plain);
}

function parseNgram(text: string, order: number): Ngram | undefined {
  const fields = text.split(/\s+/);
  const log10Probability = Number(fields[0]);
  const log10Backoff = Number(fields[order + 1] ?? 0);
  const possible = fields.length === order + 1 || fields.length === order + 2;
  if (!possible || Number.isNaN(log10Probability) || Number.isNaN(log10Backoff)) return undefined;
  return { words: fields.slice(1, order + 1), log10Probability, log10Backoff };
}

function refuse(path: string, line: number, text: string): never {
  throw notArpa(path, line, 'an n-gram', text);
}

function notArpa(path: string, line: number, what: string, came: string): InputError {
  return new InputError(
    `${path}: ${what} of an ARPA file was required in line ${line}, got "${came.slice(0, 60)}"; give a language model in ARPA form`,
  );
}

function check(path: string, counts: readonly number[], ngrams: readonly Ngram[], ended: boolean): void {
  if (counts.length === 0) {
    throw new InputError(
      `${path}: a \\data\\ section with counts was required, got none; give a language model in ARPA form`,
    );
  }
  if (counts.length > HIGHEST_ORDER) {
    throw new InputError(
      `${path}: n-grams of at most ${HIGHEST_ORDER} words were required, got ${counts.length}; make a shorter model`,
    );
  }
  const came = counts.map(() => 0);
  for (const { words } of ngrams) came[words.length - 1] = (came[words.length - 1] ?? 0) + 1;
  if (!ended || came.some((count, index) => count !== counts[index])) {
    throw new InputError(
      `${path}: ${counts.join(', ')} n-grams and \\end\\ were required, got ${came.join(', ')}${ended ? '' : ' and no end'}; the file is cut: restore it`,
    );
  }
}

/**
 * Writes an n-gram language model in ARPA form, compressed when the name ends in `.gz`. The same model gives the same
 * bytes.
 *
 * @param model - the model
 * @param path - file to write, as a whole or not at all
 */
export async function writeArpa(model: NgramModel, path: string): Promise<void> {
  const text = [...arpaLines(model)].join('\n');
  await writeFileAtomic(path, path.endsWith('.gz') ? gzipSync(text, { level: 9 }) : text);
}

function* arpaLines(model: NgramModel): Generator<string> {
  const orders = Array.from({ length: model.order }, (_, index) => [...model.ngrams(index + 1)]);
  yield '\\data\\';
  for (const [index, ngrams] of orders.entries()) yield `ngram ${index + 1}=${ngrams.length}`;
  for (const [index, ngrams] of orders.entries()) {
    yield '';
    yield `\\${index + 1}-grams:`;
    for (const { words, log10Probability, log10Backoff } of ngrams) {
      const backoff = index + 1 < model.order ? `\t${decimal(log10Backoff)}` : '';
      yield `${decimal(log10Probability)}\t${words.join(' ')}${backoff}`;
    }
  }
  yield '';
  yield '\\end\\';
  yield '';
}

/** Seven digits are what a reader's float32 keeps. */
function decimal(value: number): string {
  return String(Number(value.toPrecision(7)));
}
