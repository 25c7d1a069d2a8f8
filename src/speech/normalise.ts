const ONES =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = 'zero ten twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

/**
 * Brings a transcript into the alphabet of the models: lower case a–z, apostrophe and single spaces.
 *
 * Hyphens become spaces, `&` becomes "and", accents are dropped; numbers up to 99 are spelled as numbers, longer ones and
 * those with a leading zero digit by digit; everything else is removed. A text in that alphabet comes out as it went in.
 *
 * @example
 * normalise('Press 12, or 4-0-7 & wait.'); // 'press twelve or four zero seven and wait'
 */
export function normalise(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFD')
    .replace(/[‘’ʼ]/g, "'")
    .replace(/[-‐-―]/g, ' ')
    .replace(/&/g, ' and ')
    .replace(/\d+/g, (digits) => ` ${spell(digits)} `)
    .replace(/\s+/g, ' ')
    .replace(/[^a-z' ]/g, '')
    .replace(/ +/g, ' ')
    .trim();
}

function spell(digits: string): string {
  if (digits.length > 2 || (digits.length === 2 && digits.startsWith('0'))) {
    return Array.from(digits, (digit) => ONES[Number(digit)]).join(' ');
  }
  const number = Number(digits);
  if (number < 20) return ONES[number] ?? '';
  const ones = number % 10;
  const tens = TENS[(number - ones) / 10] ?? '';
  return ones === 0 ? tens : `${tens} ${ONES[ones]}`;
}
