import { InputError } from '../../errors.js';
import type { ModelCard } from '../card/card.js';
import { ctc } from './ctc/ctc.js';
import { encoderDecoder } from './encoderDecoder/encoderDecoder.js';
import type { Kind } from './kind.js';

/** The kinds of recogniser that cards can name. */
export const KINDS: readonly Kind[] = [ctc, encoderDecoder];

/**
 * The kind of a card.
 *
 * @throws {InputError} when it is not known
 */
export function kindOf({ id, kind }: Pick<ModelCard, 'id' | 'kind'>): Kind {
  const found = KINDS.find(({ name }) => name === kind);
  if (found !== undefined) return found;
  const known = KINDS.map(({ name }) => name).join(', ');
  throw new InputError(`card of ${id}: one of the kinds ${known} was required, got ${kind}; mend the card`);
}
