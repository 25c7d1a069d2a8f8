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

/**
 * Brings a transcript to the alphabet of the models: lower case a–z, apostrophe and single spaces.
 *
 * `&` becomes "and"; digits are spelled out, up to 99 as a number and longer runs digit by digit; every other sign,
 * the hyphen among them, becomes a space, so that "A.M." is "a m". The hold-out's reference transcripts are made so.
 *
 * @param text - a transcript as its corpus prints it
 * @returns the spoken words; empty when nothing of the alphabet is left
 * @example
 * normaliseTranscript('Press 1, or dial 600 & say: re-record!');
 * // 'press one or dial six zero zero and say re record'
 */
export function normaliseTranscript(text: string): string {
  return text
    .toLowerCase()
    .replaceAll('&', ' and ')
    .replace(/\d+/g, (digits) => ` ${spellDigits(digits)} `)
    .replace(/[^a-z']+/g, ' ')
    .trim();
}
