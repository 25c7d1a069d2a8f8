import type { LeftCause } from './report.js';

/** Thrown inside a rewriting to leave the node as it is; the message is the reason that the report gives. */
export class LeftInFloat extends Error {
  override readonly name: string = 'LeftInFloat';

  /**
   * @param why - for programs
   * @param message - for people: the end of a sentence that begins with the node
   */
  constructor(
    readonly why: LeftCause,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Leaves a node as it is whose attributes, inputs or shapes a technique has no form of.
 *
 * @param reason - for people: the end of a sentence that begins with the node
 * @throws {LeftInFloat} where it does not hold
 */
export function requireForm(holds: boolean, reason: string): void {
  if (!holds) throw new LeftInFloat('form', reason);
}
