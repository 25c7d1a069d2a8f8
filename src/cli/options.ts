import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { InvalidArgumentError } from 'commander';

/** Counts above this are slips of the finger: nothing here is done a million times. */
const LARGEST_COUNT = 1_000_000;

/** Parses a number above 0. */
export function numberAbove0(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('A number above 0 is required.');
}

/** Parses an option that must be a whole number from `minimum` to `maximum`. */
export function wholeNumber(minimum: number, maximum: number = LARGEST_COUNT): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`A whole number from ${minimum} to ${maximum} is required.`);
  };
}

/** Parses an option that must be whole numbers, each as by {@link wholeNumber}, with commas between them. */
export function wholeNumbers(minimum: number, maximum?: number): (text: string) => readonly number[] {
  return (text) => commaList(text).map(wholeNumber(minimum, maximum));
}

/** Collects an option that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Collects `NAME=NUMBER`, which may be given several times, into a record; whole numbers from `minimum` on, where one is given. */
export function named(
  minimum?: number,
): (text: string, before: Readonly<Record<string, number>> | undefined) => Readonly<Record<string, number>> {
  return (text, before) => {
    const at = text.lastIndexOf('=');
    if (at < 1) throw new InvalidArgumentError('A name, =, and a number are required.');
    const parse = minimum === undefined ? numberFrom(Number.NEGATIVE_INFINITY) : wholeNumber(minimum);
    return { ...before, [text.slice(0, at)]: parse(text.slice(at + 1)) };
  };
}

/** Collects `NAME=TEXT`, which may be given several times, into a record. */
export function namedTexts(
  text: string,
  before: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('A name, =, and a text are required.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Splits `A,B,C`. */
export function commaList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Parses a number from `minimum` on. */
export function numberFrom(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && value >= minimum) return value;
    throw new InvalidArgumentError(
      minimum === Number.NEGATIVE_INFINITY ? 'A number is required.' : `A number of at least ${minimum} is required.`,
    );
  };
}

/** Parses a number of at least 0 and divides it: `1` per cent is the fraction 0.01. */
export function fraction(divisor: number): (text: string) => number {
  return (text) => numberFrom(0)(text) / divisor;
}

/** Parses which channel of a recording is transcribed: `mix`, or a whole number from 1. */
export function audioChannel(text: string): 'mix' | number {
  if (text === 'mix') return text;
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('mix or a whole number from 1 is required.');
}

/** Parses a length in hours. */
export function hours(text: string): number {
  const value = numberFrom(0)(text);
  if (value > 0) return value;
  throw new InvalidArgumentError('A number of hours above 0 is required.');
}

/** Takes the path of a file to be written: it must be possible to write it, which is known before any work is done. */
export function writableFile(...endings: readonly string[]): (path: string) => string {
  return (path) => {
    if (endings.length > 0 && !endings.some((ending) => path.endsWith(ending))) {
      throw new InvalidArgumentError(`A name ending in ${endings.join(' or ')} is required; add the ending.`);
    }
    const folder = dirname(path);
    if (!existsSync(folder)) {
      throw new InvalidArgumentError(`A folder that is there is required, got ${folder}; make it first.`);
    }
    if (!statSync(folder).isDirectory()) {
      throw new InvalidArgumentError(`A folder is required, got the file ${folder}.`);
    }
    if (existsSync(path) && statSync(path).isDirectory()) {
      throw new InvalidArgumentError('The name of a file is required, got that of a folder; add a name.');
    }
    return path;
  };
}

/** The name of an `.onnx` file, or of a folder that may have to be made, where one can be written. */
export function writableModel(path: string): string {
  if (path.endsWith('.onnx')) return writableFile('.onnx')(path);
  if (!existsSync(path)) return writableFile()(path);
  if (statSync(path).isDirectory()) return path;
  throw new InvalidArgumentError('A name ending in .onnx is required, or a folder; add the ending.');
}
