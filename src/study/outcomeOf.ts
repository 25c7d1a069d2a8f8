import { ownValue } from '../ownValue.js';
import type { Outcome, RunRecord } from './schema.js';

/** How a condition ended; `undefined` when it has not. Ids come from outside: `constructor` is one, and no object's own field. */
export function outcomeOf({ outcomes }: Pick<RunRecord, 'outcomes'>, id: string): Outcome | undefined {
  return ownValue(outcomes, id);
}
