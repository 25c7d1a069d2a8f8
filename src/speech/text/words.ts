import { WHITE_SPACE } from './unicode.js';

const UNUSUAL = new RegExp(`[${WHITE_SPACE.replace(' ', '')}]`);
const RUNS = new RegExp(`[${WHITE_SPACE}]{2,}`, 'g');
// Looks behind, so that a long run within the text is tried once, not from each of its places.
const ENDS = new RegExp(`^[${WHITE_SPACE}]+|(?<![${WHITE_SPACE}])[${WHITE_SPACE}]+$`, 'g');

/**
 * Splits a text into words as jiwer 4 does by default: two or more white-space characters are one space, those at the ends
 * are nothing, and spaces separate. A single tab or line break between two letters does *not* separate; every
 * normaliser makes a space of it.
 */
export function splitWords(text: string): string[] {
  const plain = UNUSUAL.test(text) ? trimSpace(text.replace(RUNS, ' ')) : text;
  return plain.split(' ').filter((word) => word !== '');
}

/** Splits a text into characters (Unicode code points), white space at both ends aside, as jiwer 4 does by default. */
export function splitCharacters(text: string): string[] {
  return Array.from(trimSpace(text));
}

/** Takes white space off both ends, as Python's `str.strip` does. */
function trimSpace(text: string): string {
  return text.replace(ENDS, '');
}

/** Gives each different unit a number of its own, in order of appearance. */
export function numberUnits(units: readonly string[], numbers: Map<string, number>): Int32Array {
  const numbered = new Int32Array(units.length);
  for (let index = 0; index < units.length; index++) {
    const unit = units[index] as string;
    let number = numbers.get(unit);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(unit, number);
    }
    numbered[index] = number;
  }
  return numbered;
}
