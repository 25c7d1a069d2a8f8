import { InvalidArgumentError, Option } from 'commander';

/** Parses an option that must be a whole number of at least `minimum`. */
export function wholeNumber(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= minimum) return value;
    throw new InvalidArgumentError(`A whole number of at least ${minimum} is required.`);
  };
}

/** Parses an option that must be whole numbers of at least `minimum`, with commas between them. */
export function wholeNumbers(minimum: number): (text: string) => readonly number[] {
  return (text) => commaList(text).map(wholeNumber(minimum));
}

/** Collects an option that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** `--export csv`: every number that was found, for spreadsheets and other tools. */
export function exportOption(): Option {
  return new Option('--export <format>', 'print a line of all numbers for each model')
    .choices(['csv'])
    .conflicts('json');
}

/** Splits `A,B,C`. */
export function commaList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Parses a number above or equal to 0 and divides it: `1` per cent is the fraction 0.01. */
export function fraction(divisor: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value / divisor;
    throw new InvalidArgumentError('A number of at least 0 is required.');
  };
}

/** Parses which channel of a recording is heard: `mix`, or a whole number from 1. */
export function audioChannel(text: string): 'mix' | number {
  const value = Number(text);
  if (text === 'mix') return text;
  if (text.trim() !== '' && Number.isInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('mix or a whole number from 1 is required.');
}

/** Parses a length in hours. */
export function hours(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('A number of hours above 0 is required.');
}
