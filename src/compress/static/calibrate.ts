import { InputError } from '../../errors.js';
import { ownValue } from '../../ownValue.js';
import { type CalibrationOptions, createRangeObserver } from '../calibrators/observer.js';
import type { RangeObserver, ValueRange } from '../calibrators/range.js';
import type { CalibrationSample } from '../pass.js';

/**
 * Finds the range of each tensor over samples that come one at a time; none is kept, so that memory does not grow with
 * their number.
 *
 * @param tensors - names to watch
 * @param samples - what the model of {@link planCalibration} answered, sample after sample
 * @param options - the method and its constants
 * @param notFinite - `leave`: a tensor that holds NaN or an infinity has no range; what it feeds then stays in float
 * @throws {InputError} when there is no sample, a sample lacks a tensor, or a value is not finite and not to be left
 */
export async function calibrateRanges(
  tensors: readonly string[],
  samples: AsyncIterable<CalibrationSample> | Iterable<CalibrationSample>,
  options: CalibrationOptions = {},
  notFinite: 'refuse' | 'leave' = 'refuse',
): Promise<ReadonlyMap<string, ValueRange>> {
  const observers = new Map<string, RangeObserver>(tensors.map((name) => [name, createRangeObserver(options)]));
  let count = 0;
  for await (const sample of samples) {
    count++;
    for (const [name, observer] of observers) {
      const values = ownValue(sample, name);
      if (values === undefined) {
        throw new InputError(`calibration: values of ${name} were required in sample ${count}, got none`);
      }
      if (notFinite === 'leave' && !values.every(Number.isFinite)) observers.delete(name);
      else naming(name, () => observer.observe(values));
    }
  }
  if (count === 0 && tensors.length > 0) {
    throw new InputError('calibration: at least one sample was required, got none; name a manifest with utterances');
  }
  return new Map(Array.from(observers, ([name, observer]) => [name, naming(name, () => observer.range())]));
}

function naming<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`tensor ${name}: ${error.message}`, { cause: error });
  }
}
