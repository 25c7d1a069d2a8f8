import { dropBracketed } from './brackets.js';
import { readSpellings } from './britishSpellings.js';
import { digitiseNumbers } from './spokenNumbers.js';
import { WHITE_SPACE, WORD_BOUNDARY } from './unicode.js';

/** Contractions and titles, in the order in which they are replaced; `\b` is the border of a word. */
const REPLACEMENTS: readonly (readonly [pattern: string, replacement: string])[] = [
  ["\\bwon't\\b", 'will not'],
  ["\\bcan't\\b", 'can not'],
  ["\\blet's\\b", 'let us'],
  ["\\bain't\\b", 'aint'],
  ["\\by'all\\b", 'you all'],
  ['\\bwanna\\b', 'want to'],
  ['\\bgotta\\b', 'got to'],
  ['\\bgonna\\b', 'going to'],
  ["\\b(?:i'ma|imma)\\b", 'i am going to'],
  ['\\b(would|could|should)a\\b', '$1 have'],
  ["\\bma'am\\b", 'madam'],
  ...Object.entries({
    mr: 'mister',
    mrs: 'missus',
    st: 'saint',
    dr: 'doctor',
    prof: 'professor',
    capt: 'captain',
    gov: 'governor',
    ald: 'alderman',
    gen: 'general',
    sen: 'senator',
    rep: 'representative',
    pres: 'president',
    rev: 'reverend',
    hon: 'honorable',
    asst: 'assistant',
    assoc: 'associate',
    lt: 'lieutenant',
    col: 'colonel',
    jr: 'junior',
    sr: 'senior',
    esq: 'esquire',
  }).map(([title, word]): [string, string] => [`\\b${title}\\b`, `${word} `]),
  ["'d (been|gone|done)\\b", ' had $1'],
  ["'s (been|gone|got)\\b", ' has $1'],
  ["n't\\b", ' not'],
  ["'re\\b", ' are'],
  ["'s\\b", ' is'],
  ["'d\\b", ' would'],
  ["'ll\\b", ' will'],
  ["'t\\b", ' not'],
  ["'ve\\b", ' have'],
  ["'m\\b", ' am'],
];

/** Letters that Unicode does not take apart. */
const LETTERS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    œ: 'oe',
    Œ: 'OE',
    ø: 'o',
    Ø: 'O',
    æ: 'ae',
    Æ: 'AE',
    ß: 'ss',
    ẞ: 'SS',
    đ: 'd',
    Đ: 'D',
    ð: 'd',
    Ð: 'D',
    þ: 'th',
    Þ: 'th',
    ł: 'l',
    Ł: 'L',
  }),
);
/** Symbols that numbers keep. */
const KEPT = '.%$¢€£';

/** A normaliser with its patterns and its table, made once. */
export function createEnglishNormaliser(): (text: string) => string {
  const pattern = (source: string): RegExp => {
    return new RegExp(source.replaceAll('\\b', WORD_BOUNDARY).replaceAll('\\s', `[${WHITE_SPACE}]`), 'gu');
  };
  const rules = [
    ['\\b(?:hmm|mm|mhm|mmm|uh|um)\\b', ''],
    ["(?<!\\s)\\s+'", "'"],
    ...REPLACEMENTS,
    ['(\\p{Nd}),(\\p{Nd})', '$1$2'],
    ['\\.([^0-9]|$)', ' $1'],
  ].map(([source = '', replacement = '']) => [pattern(source), replacement] as const);
  const strayBefore = pattern('[.$¢€£]([^0-9])');
  const strayAfter = pattern('([^0-9])%');
  const spaces = pattern('\\s+');
  const spellings = readSpellings();
  return (text) => {
    let plain = dropBracketed(text.toLowerCase());
    for (const [from, to] of rules) plain = plain.replace(from, to);
    const words = digitiseNumbers(dropSymbols(plain)).split(spaces);
    return words
      .filter((word) => word !== '')
      .map((word) => spellings.get(word) ?? word)
      .join(' ')
      .replace(strayBefore, ' $1')
      .replace(strayAfter, '$1 ')
      .replace(spaces, ' ');
  };
}

/** Takes accents off, and makes every mark, sign and stop a space. */
function dropSymbols(text: string): string {
  return text.normalize('NFKD').replace(/[œŒøØæÆßẞđĐðÐþÞłŁ\p{M}\p{S}\p{P}]/gu, (sign) => {
    if (KEPT.includes(sign)) return sign;
    return LETTERS.get(sign) ?? (/\p{Mn}/u.test(sign) ? '' : ' ');
  });
}
