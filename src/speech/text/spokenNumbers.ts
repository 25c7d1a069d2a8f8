import { WHITE_SPACE, WORD_BOUNDARY } from './unicode.js';

/** A number while it is read: digits that stand one behind another, or a value that may still grow. */
type Value = string | bigint;

/** What a word does to the number before it. */
type NumberWord =
  | { readonly kind: 'zero' }
  | { readonly kind: 'unit' | 'ten' | 'multiplier'; readonly value: bigint; readonly suffix: string }
  | { readonly kind: 'sign' | 'currency'; readonly symbol: string }
  | { readonly kind: 'percent' | 'per' | 'and' | 'double' | 'triple' | 'point' };

const UNITS =
  'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen';
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety';
const THOUSANDS =
  'thousand million billion trillion quadrillion quintillion sextillion septillion octillion nonillion decillion';
/** `ninth` is missing and `nineth` is there: so are the rules. */
const ORDINALS =
  'fourth sixth seventh eighth nineth tenth eleventh thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth';
const OTHER_ORDINALS = { zeroth: '0th', first: '1st', second: '2nd', third: '3rd', fifth: '5th', twelfth: '12th' };
const CURRENCIES = { pound: '£', euro: '€', dollar: '$', cent: '¢' };

const WORDS: ReadonlyMap<string, NumberWord> = numberWords();

/** Digits after which a number ends: so long a one is no number, and reading on would take ever longer. */
const MOST_DIGITS = 1000;

const NUMBER = /^\p{Nd}+(\.\p{Nd}+)?$/u;
const SYMBOLS: ReadonlySet<string> = new Set(['-', '+', ...Object.values(CURRENCIES)]);

/**
 * Writes spoken numbers in digits, by the rules of Whisper's English normaliser: "twenty one" → "21", "five dollars" → "$5",
 * "two and a half million" → "2500000", "one oh one" → "101", "twenty first" → "21st". A lone "one" stays a word.
 *
 * @param text - lower case, without punctuation but `.%$¢€£`
 */
export function digitiseNumbers(text: string): string {
  const words = prepare(text)
    .split(new RegExp(`[${WHITE_SPACE}]+`))
    .filter((word) => word !== '');
  return finish(new NumberReader(words).read().join(' '));
}

class NumberReader {
  readonly #words: readonly string[];
  readonly #written: string[] = [];
  #value: Value | undefined;
  #sign = '';

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  read(): readonly string[] {
    for (let at = 0; at < this.#words.length; at++) {
      const skipped = this.#take(this.#words[at - 1], this.#words[at] ?? '', this.#words[at + 1]);
      if (skipped) at++;
    }
    this.#flush();
    return this.#written;
  }

  /** Takes one word. @returns whether the next one is used up with it */
  #take(before: string | undefined, word: string, next: string | undefined): boolean {
    const known = WORDS.get(word);
    if (typeof this.#value === 'string' && this.#value.length > MOST_DIGITS) this.#flush();
    if (this.#takeDigits(word)) return false;
    if (known === undefined) this.#plain(word);
    else if (known.kind === 'zero') this.#value = `${this.#digits()}0`;
    else if (known.kind === 'unit' || known.kind === 'ten') this.#add(known, before);
    else if (known.kind === 'multiplier') this.#multiply(known.value, known.suffix);
    else if (known.kind === 'sign') {
      this.#flush();
      if (isNumeric(next) || (next !== undefined && WORDS.has(next))) this.#sign = known.symbol;
      else this.#write(word);
    } else if (known.kind === 'currency') {
      if (this.#value === undefined) this.#write(word);
      else {
        this.#sign = known.symbol;
        this.#flush();
      }
    } else if (known.kind === 'percent' || known.kind === 'per') {
      const whole = known.kind === 'percent' || next === 'cent';
      if (this.#value === undefined || !whole) this.#plain(word);
      else {
        this.#write(`${this.#value}%`);
        return known.kind === 'per';
      }
    } else return this.#takeSpecial(known.kind, before, word, next);
    return false;
  }

  /** Takes digits, with a currency in front or not. */
  #takeDigits(word: string): boolean {
    const symbol = SYMBOLS.has(word[0] ?? '') ? word.slice(0, 1) : '';
    const number = word.slice(symbol.length);
    if (!NUMBER.test(number)) return false;
    if (typeof this.#value === 'string' && this.#value.endsWith('.')) {
      this.#value += word;
      return true;
    }
    this.#flush();
    if (symbol !== '') this.#sign = symbol;
    const whole = wholeOf(number, 1n);
    this.#value = whole ?? number;
    return true;
  }

  #takeSpecial(
    kind: 'and' | 'double' | 'triple' | 'point',
    before: string | undefined,
    word: string,
    next: string | undefined,
  ): boolean {
    const following = next === undefined ? undefined : WORDS.get(next);
    if (following === undefined && !isNumeric(next)) {
      this.#plain(word);
    } else if (kind === 'and') {
      // It is dropped after hundreds, thousands and so on.
      if (!isBare(before, 'multiplier')) this.#plain(word);
    } else if (kind === 'point') {
      if (isNumeric(next) || following?.kind === 'zero' || isBare(next, 'unit') || isBare(next, 'ten')) {
        this.#value = `${this.#digits()}.`;
      }
    } else {
      const repeats = kind === 'double' ? 2 : 3;
      if (following?.kind === 'zero') this.#value = this.#digits() + '0'.repeat(repeats);
      else if (following?.kind === 'unit' && following.suffix === '') {
        this.#value = this.#digits() + `${following.value}`.repeat(repeats);
      } else {
        this.#plain(word);
        return false;
      }
      return true;
    }
    return false;
  }

  /** Adds ones, teens or tens; with a suffix (`21st`, `20s`) the number ends there. */
  #add({ kind, value, suffix }: NumberWord & { readonly kind: 'unit' | 'ten' | 'multiplier' }, before?: string): void {
    const sum = this.#sum(kind, value, before);
    if (suffix === '') this.#value = sum;
    else this.#write(`${sum}${suffix}`);
  }

  #sum(kind: string, added: bigint, before: string | undefined): Value {
    const value = this.#value;
    if (value === undefined) return added;
    const small = kind === 'unit' && added < 10n;
    if (typeof value === 'string' || (kind === 'unit' && isBare(before, 'unit'))) {
      const replaces = small && isBare(before, 'ten');
      return (replaces ? `${value}`.slice(0, -1) : `${value}`) + added;
    }
    return value % (small ? 10n : 100n) === 0n ? value + added : `${value}${added}`;
  }

  #multiply(multiplier: bigint, suffix: string): void {
    const value = this.#value;
    const product = value === undefined ? multiplier : multiplied(value, multiplier);
    if (product === undefined) this.#flush();
    if (suffix === '') this.#value = product ?? multiplier;
    else this.#write(`${product ?? multiplier}${suffix}`);
  }

  /** The digits so far; a value of 0 counts as none, as in the rules. */
  #digits(): string {
    return this.#value === undefined || this.#value === 0n ? '' : `${this.#value}`;
  }

  #plain(word: string): void {
    this.#flush();
    this.#write(word);
  }

  #flush(): void {
    if (this.#value !== undefined) this.#write(`${this.#value}`);
  }

  #write(text: string): void {
    this.#written.push(this.#sign + text);
    this.#sign = '';
    this.#value = undefined;
  }
}

/** Thousands stay, what is below them is multiplied; digits (`2.5`) are multiplied if the product is whole. */
function multiplied(value: Value, multiplier: bigint): bigint | undefined {
  if (typeof value === 'string') return wholeOf(value, multiplier);
  const below = value % 1000n;
  return value - below + below * multiplier;
}

/** A decimal number times a multiplier, if that is whole. */
function wholeOf(digits: string, multiplier: bigint): bigint | undefined {
  const [, before = '', after = ''] = /^(?=\p{Nd}|\.\p{Nd})(\p{Nd}*)(?:\.(\p{Nd}*))?$/u.exec(digits) ?? [];
  if ((before === '' && after === '') || digits.length > 2 * MOST_DIGITS) return undefined;
  const product = BigInt(asciiDigits(before + after)) * multiplier;
  const divisor = 10n ** BigInt([...after].length);
  return product % divisor === 0n ? product / divisor : undefined;
}

/** Decimal digits of any script stand in rows of ten, zero first. */
function asciiDigits(text: string): string {
  return text.replace(/[^0-9]/gu, (digit) => {
    const code = digit.codePointAt(0) ?? 0;
    let value = 0;
    while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value++;
    return `${value}`;
  });
}

function isNumeric(word: string | undefined): boolean {
  return word !== undefined && NUMBER.test(word);
}

/** Whether a word is a number word of this kind without a suffix. */
function isBare(word: string | undefined, kind: 'unit' | 'ten' | 'multiplier'): boolean {
  const known = word === undefined ? undefined : WORDS.get(word);
  return known?.kind === kind && known.suffix === '';
}

/** Makes "and a half" a ".5" after a number, and parts digits from letters that are no suffix. */
function prepare(text: string): string {
  const segments = text.split(
    new RegExp(`${WORD_BOUNDARY}and[${WHITE_SPACE}]+a[${WHITE_SPACE}]+half${WORD_BOUNDARY}`, 'u'),
  );
  const space = new RegExp(`[${WHITE_SPACE}]+`);
  const parts = segments.flatMap((segment, index) => {
    const last = segment
      .split(space)
      .filter((word) => word !== '')
      .at(-1);
    if (last === undefined) return [];
    if (index === segments.length - 1) return [segment];
    const number = isBare(last, 'unit') || isBare(last, 'ten') || isBare(last, 'multiplier');
    return [segment, number || WORDS.get(last)?.kind === 'zero' ? 'point five' : 'and a half'];
  });
  return parts
    .join(' ')
    .replace(/([a-z])([0-9])/g, '$1 $2')
    .replace(/([0-9])([a-z])/g, '$1 $2')
    .replace(new RegExp(`([0-9])[${WHITE_SPACE}]+(st|nd|rd|th|s)${WORD_BOUNDARY}`, 'gu'), '$1$2');
}

/** Joins "$2 and ¢7" to "$2.07", and writes a lone 1 as a word. */
function finish(text: string): string {
  return text
    .replace(new RegExp(`([€£$])([0-9]+) (?:and )?¢([0-9]{1,2})${WORD_BOUNDARY}`, 'gu'), (_, sign, whole, cents) => {
      return `${sign}${whole}.${cents.padStart(2, '0')}`;
    })
    .replace(new RegExp(`[€£$]0.([0-9]{1,2})${WORD_BOUNDARY}`, 'gu'), (_, cents) => `¢${Number(cents)}`)
    .replace(/(?<![^ ])1(s?)(?![^ ])/g, 'one$1');
}

function numberWords(): ReadonlyMap<string, NumberWord> {
  const words = new Map<string, NumberWord>();
  const add = (kind: 'unit' | 'ten' | 'multiplier', word: string, value: bigint, suffix: string): void => {
    words.set(word, { kind, value, suffix });
  };
  for (const zero of ['o', 'oh', 'zero']) words.set(zero, { kind: 'zero' });
  const units = UNITS.split(' ');
  for (const [index, word] of units.entries()) {
    add('unit', word, BigInt(index + 1), '');
    add('unit', word === 'six' ? 'sixes' : `${word}s`, BigInt(index + 1), 's');
  }
  for (const word of ORDINALS.split(' ')) {
    const unit = units.findIndex((name) => word === `${name}th` || word === `${name}h`);
    add('unit', word, BigInt(unit + 1), 'th');
  }
  for (const [word, ordinal] of Object.entries(OTHER_ORDINALS)) {
    add('unit', word, BigInt(ordinal.slice(0, -2)), ordinal.slice(-2));
  }
  for (const [index, word] of TENS.split(' ').entries()) {
    const value = BigInt(10 * (index + 2));
    add('ten', word, value, '');
    add('ten', word.replace('y', 'ies'), value, 's');
    add('ten', word.replace('y', 'ieth'), value, 'th');
  }
  for (const [power, word] of ['hundred', ...THOUSANDS.split(' ')].entries()) {
    const value = power === 0 ? 100n : 1000n ** BigInt(power);
    add('multiplier', word, value, '');
    add('multiplier', `${word}s`, value, 's');
    add('multiplier', `${word}th`, value, 'th');
  }
  for (const [word, symbol] of Object.entries({ minus: '-', negative: '-', plus: '+', positive: '+' })) {
    words.set(word, { kind: 'sign', symbol });
  }
  for (const [word, symbol] of Object.entries(CURRENCIES)) {
    words.set(word, { kind: 'currency', symbol });
    words.set(`${word}s`, { kind: 'currency', symbol });
  }
  for (const kind of ['percent', 'per', 'and', 'double', 'triple', 'point'] as const) words.set(kind, { kind });
  return words;
}
