const units = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
  'thirteen',
  'fourteen',
  'fifteen',
  'sixteen',
  'seventeen',
  'eighteen',
  'nineteen',
] as const;
const tens = ['zero', 'ten', 'twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'] as const;

function spellDigits(digits: string): string {
  if (digits.length > 2) return [...digits].map((digit) => units[Number(digit)]).join(' ');
  const value = Number(digits);
  const unit = units[value];
  if (unit !== undefined) return unit;
  const ten = tens[Math.floor(value / 10)];
  return value % 10 === 0 ? `${ten}` : `${ten} ${units[value % 10]}`;
}

/** Signs that are written for an apostrophe: U+2018, U+2019, the modifier letter and the full-width one. */
const APOSTROPHES = /[\u2018\u2019\u02bc\uff07]/g;
/** What stands between single quotation marks, among it apostrophes within words. */
const QUOTED = /\u2018((?:[^\u2018\u2019]|\u2019(?=\p{L}))*)\u2019/gu;
/** Letters and digits of any script with the marks that they carry, and apostrophes. */
const WORDS = /(?:[\p{L}\p{N}]\p{M}*|')+/gu;

/**
 * Brings a transcript to plain words: lower case, letters and digits of any script, apostrophes and single spaces.
 *
 * `&` becomes "and"; the digits 0 to 9 are spelled out in English, up to 99 as a number and longer runs digit by digit; a
 * typographic apostrophe becomes a plain one; equal letters get one form (Unicode's NFC), what cannot be seen (format
 * characters such as marks of direction) is dropped; every other sign, the hyphen among them, becomes a space, so that
 * "A.M." is "a m". The hold-out's reference transcripts are made so.
 *
 * @param text - a transcript as its corpus prints it
 * @returns the spoken words; empty when no letter or digit is left
 * @example
 * normaliseTranscript('Press 1, or dial 600 & don’t say: für!');
 * // "press one or dial six zero zero and don't say für"
 */
export function normaliseTranscript(text: string): string {
  const words = text
    .normalize('NFC')
    .toLowerCase()
    .replaceAll('\u200b', ' ')
    .replace(/\p{Cf}/gu, '')
    .replaceAll('&', ' and ')
    .replace(QUOTED, ' $1 ')
    .replace(APOSTROPHES, "'")
    .replace(/\d+/g, (digits) => ` ${spellDigits(digits)} `)
    .match(WORDS);
  return words?.join(' ') ?? '';
}
