import { gzipSync } from 'node:zlib';
import { InputError, QuantlabError } from '../../errors.js';
import { writeFileAtomic } from '../../files.js';
import { NgramModel, SENTENCE_BEGIN, SENTENCE_END } from './ngram.js';
import { type Ngram, NgramTree } from './ngramTree.js';
import { readLines } from './textLines.js';

/** Orders that are read. */
const HIGHEST_ORDER = 5;
/** n-grams that are read: some gigabytes of memory. */
const MOST_NGRAMS = 10_000_000;
/** Lines that are no n-gram: comments, sections, empty ones. */
const MOST_OTHER_LINES = 10_000;

/** A number as ARPA files print it. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Reads an n-gram language model in ARPA form, plain or packed by gzip (told by its first bytes): what SRILM, KenLM's `lmplz`
 * and {@link writeArpa} write. What KenLM refuses is refused: positive logarithms, a model without `<s>` or `</s>`.
 *
 * @param path - order 1 to 5, natural order of sections, UTF-8
 * @throws {InputError} naming the line, when the file is missing, is cut, or is no ARPA file
 * @example (await readArpa('data/lm/prompts.arpa.gz')).order // 3
 */
export async function readArpa(path: string): Promise<NgramModel> {
  const reader = new ArpaReader(path);
  for await (const { first, lines } of readLines(path)) {
    for (const [index, line] of lines.entries()) reader.take(line, first + index);
  }
  return reader.finish();
}

/** Takes an ARPA file line by line. */
class ArpaReader {
  readonly #path: string;
  readonly #counts: number[] = [];
  readonly #came: number[] = [];
  /** Length of the n-grams that are being read; 0 is `\data\`, −1 what stands before. */
  #section = -1;
  #tree: NgramTree | undefined;
  #ended = false;
  #otherLines = 0;

  constructor(path: string) {
    this.#path = path;
  }

  take(line: string, number: number): void {
    // Only these separate: another white space, such as U+00A0, is a part of a word.
    const text = line.replace(/^[ \t]+|[ \t]+$/g, '');
    // Two models one behind the other, or what a writer forgot to count: it would be left out unseen.
    if (this.#ended && text !== '') throw this.#refuse(number, 'nothing behind \\end\\', quoted(text));
    if (this.#section > 0 && text !== '' && !text.startsWith('\\')) {
      this.#addNgram(text, number);
      return;
    }
    if (++this.#otherLines > MOST_OTHER_LINES) {
      throw this.#refuse(number, `at most ${MOST_OTHER_LINES} lines besides the n-grams`, 'more');
    }
    if (text.startsWith('\\')) this.#begin(text, number);
    else if (this.#section === 0 && text !== '') this.#addCount(text, number);
    // Text before \data\ is a comment.
    else if (number === 1 && text.startsWith('mmap lm ')) {
      throw this.#refuse(number, 'the ARPA file that it was made from', "KenLM's binary form");
    }
  }

  #begin(text: string, number: number): void {
    if (text === '\\data\\' && this.#section < 0) {
      this.#section = 0;
      return;
    }
    if (this.#section < 0) return;
    this.#tree ??= this.#open(number);
    this.#ended = text === '\\end\\';
    if (this.#ended || this.#section === 1) this.#requireMarkers(number);
    const next = this.#section + 1;
    if (this.#ended) return;
    if (text !== `\\${next}-grams:` || next > this.#counts.length) {
      const wanted = next > this.#counts.length ? '\\end\\' : `the section \\${next}-grams:`;
      throw this.#refuse(number, wanted, quoted(text));
    }
    this.#section = next;
  }

  #addCount(text: string, number: number): void {
    const [, order, count] = /^ngram[ \t]+(\d+)[ \t]*=[ \t]*(\d+)$/.exec(text) ?? [];
    if (order === undefined || Number(order) !== this.#counts.length + 1) {
      throw this.#refuse(number, `a count "ngram ${this.#counts.length + 1}=…"`, quoted(text));
    }
    this.#counts.push(Number(count));
    this.#came.push(0);
  }

  #open(number: number): NgramTree {
    const [order, ngrams] = [this.#counts.length, this.#counts.reduce((sum, count) => sum + count, 0)];
    if (order === 0) throw this.#refuse(number, 'a \\data\\ section with counts', 'none');
    if (order > HIGHEST_ORDER) throw this.#refuse(number, `n-grams of at most ${HIGHEST_ORDER} words`, `${order}`);
    if (ngrams > MOST_NGRAMS) throw this.#refuse(number, `at most ${MOST_NGRAMS} n-grams`, `${ngrams}`);
    return new NgramTree(order);
  }

  #addNgram(text: string, number: number): void {
    const length = this.#section;
    const came = (this.#came[length - 1] ?? 0) + 1;
    const counted = this.#counts[length - 1] ?? 0;
    if (came > counted) throw this.#refuse(number, `the end of ${counted} ${length}-grams`, 'one more');
    this.#came[length - 1] = came;
    const ngram = parseNgram(text, length);
    if (ngram === undefined) throw this.#refuse(number, `a ${length}-gram`, quoted(text));
    const { log10Probability, log10Backoff } = ngram;
    if (log10Probability > 0) {
      throw this.#refuse(number, 'the logarithm of a probability, 0 at most', `${log10Probability}`);
    }
    if (length === this.#counts.length && log10Backoff !== 0) {
      throw this.#refuse(number, 'no back-off weight of the longest n-grams', `${log10Backoff}`);
    }
    try {
      this.#tree?.add(ngram);
    } catch (error) {
      if (!(error instanceof QuantlabError)) throw error;
      throw new InputError(`${this.#path}:${number}: ${error.message}`, { cause: error });
    }
  }

  #requireMarkers(number: number): void {
    for (const marker of [SENTENCE_BEGIN, SENTENCE_END]) {
      if (!this.#tree?.ids.has(marker)) throw this.#refuse(number, `${marker} among the 1-grams before`, 'none');
    }
  }

  finish(): NgramModel {
    const counts = this.#counts;
    if (counts.length === 0) {
      throw new InputError(
        `${this.#path}: a \\data\\ section with counts was required, got none; give a language model in ARPA form`,
      );
    }
    if (this.#tree === undefined || !this.#ended || this.#came.some((count, index) => count !== counts[index])) {
      const [came, end] = [this.#came.join(', '), this.#ended ? '' : ' and no end'];
      throw new InputError(
        `${this.#path}: ${counts.join(', ')} n-grams and \\end\\ were required, got ${came}${end}; the file is cut: restore it`,
      );
    }
    return new NgramModel(counts.length, this.#tree);
  }

  #refuse(line: number, wanted: string, came: string): InputError {
    return new InputError(
      `${this.#path}:${line}: ${wanted} was required of an ARPA file, got ${came}; give a language model in ARPA form`,
    );
  }
}

/** Probability, words, and a back-off weight or none; a tab stands before the weight where the line has tabs. */
function parseNgram(text: string, length: number): Ngram | undefined {
  const fields = text.split(/[ \t]+/);
  const weighted = fields.length === length + 2;
  if (!weighted && fields.length !== length + 1) return undefined;
  const last = fields[length + 1] ?? '0';
  if (weighted && text.includes('\t') && text[text.length - last.length - 1] !== '\t') return undefined;
  const numbers = [fields[0] ?? '', last];
  const [log10Probability, log10Backoff] = numbers.map(Number) as [number, number];
  if (!numbers.every((one) => DECIMAL.test(one) && Number.isFinite(Math.fround(Number(one))))) return undefined;
  return { words: fields.slice(1, length + 1), log10Probability, log10Backoff };
}

function quoted(text: string): string {
  return `"${text.slice(0, 60)}"`;
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
