import { InputError, UnavailableError } from '../errors.js';

/** A measuring process that crashed, took too long, or could not do what it was asked. */
export class ProcessError extends UnavailableError {
  override readonly name: string = 'ProcessError';
}

/** A process that did not answer in time, and was ended for it. */
export class ProcessTimeoutError extends ProcessError {
  override readonly name: string = 'ProcessTimeoutError';
}

/**
 * The error that a process told of.
 *
 * @param kind - whose fault it is: of what was given, of what is not there, or of this package
 */
export function revive(kind: 'input' | 'unavailable' | 'fault', message: string): Error {
  if (kind === 'input') return new InputError(message);
  if (kind === 'unavailable') return new UnavailableError(message);
  return new ProcessError(`measuring process: a result was required, got an error: ${message}; report this`);
}
