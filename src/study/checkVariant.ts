import { ownValue } from '../ownValue.js';
import { outcomeOf } from './outcomeOf.js';
import type { Condition, RunRecord } from './schema.js';
import type { Variant } from './variants.js';

/** A model that is not the one that was measured. */
export interface OtherModel {
  readonly sentence: string;
  /** Another processor may be why: the run is not to blame. */
  readonly isExcused: boolean;
}

/**
 * Holds a model that was made again against the one that a run measured.
 *
 * @returns how it differs; `null` where it is the same file
 */
export function compareVariant(
  folder: string,
  run: RunRecord,
  condition: Condition,
  variant: Variant,
): OtherModel | null {
  const { id, model, recipe } = condition;
  const outcome = outcomeOf(run, id);
  const was = outcome?.status === 'measured' ? outcome.modelSha256 : '';
  if (variant.sha256 === was) return null;
  const source = ownValue(run.inputs, id)?.modelSha256;
  const digests = `(SHA-256 ${variant.sha256.slice(0, 16)}…, was ${was.slice(0, 16)}…)`;
  const isOther = source !== undefined && source !== variant.inputs.modelSha256;
  const got = isOther ? `another ${model} ${digests}` : `another file from ${model} by ${recipe} ${digests}`;
  const remedy = isOther ? 'restore that model, or measure again' : 'find what changed it, or measure again';
  const where = `${folder}: the model of ${id} that was measured was required`;
  const excuse = '; it was calibrated, and that may come out differently on another processor';
  const isExcused = !isOther && variant.isCalibrated;
  return { sentence: `${where}, got ${got}${isExcused ? excuse : ''}; ${remedy}`, isExcused };
}
