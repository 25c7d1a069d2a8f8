import { closest, distance } from 'fastest-levenshtein';

/**
 * Every error that a person can mend. Anything else that is thrown is a fault of ours.
 *
 * Messages have one form: `<what>: <what was required>, got <what came>; <what to do>`.
 */
export class QuantlabError extends Error {
  override readonly name: string = 'QuantlabError';
}

/** Bad input: a file, an option or a value that is not what was required (exit code 1). */
export class InputError extends QuantlabError {
  override readonly name: string = 'InputError';
}

/** Wrong use of the command line: an unknown option, a missing argument (exit code 2). */
export class UsageError extends QuantlabError {
  override readonly name: string = 'UsageError';
}

/** Something that this machine lacks: a GPU, a browser, a package, room on the disk (exit code 1). */
export class UnavailableError extends QuantlabError {
  override readonly name: string = 'UnavailableError';
}

/**
 * A hint at the known name that was probably meant, for the end of an error.
 *
 * @param name - what came
 * @param known - what it could have been
 * @returns `did you mean X?` where one name is at most a third of its letters away, else an empty string
 * @example didYouMean('deepspeech2-lstn', ['deepspeech2-lstm']) // 'did you mean deepspeech2-lstm?'
 */
export function didYouMean(name: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const nearest = closest(name, known);
  return distance(name, nearest) <= Math.ceil(nearest.length / 3) ? `did you mean ${nearest}?` : '';
}
