import { z } from 'zod';
import { parseJson, readJson } from '../../../files.js';
import { ownValue } from '../../../ownValue.js';
import { FRONT_END_PRESETS, type FrontEndPreset } from '../../../speech/features/frontEndPresets.js';
import type { FrontEnd } from '../../../speech/types.js';
import { frontEndSchema } from '../../card/cardSchema.js';
import type { CardTensors } from './card.js';

/** What a graph does not tell of itself. */
export interface CardAnswers {
  /** Path of a `vocab.json` (Hugging Face) or a `tokens.txt` (Kaldi, sherpa). */
  readonly labels?: string | undefined;
  /** Index of the blank among the labels. Default: the one that the file of the labels calls so. */
  readonly blank?: number | undefined;
  /** Name of a preset, or path of a JSON file with the front end as a card has it, or of a card. */
  readonly frontEnd?: string | undefined;
  readonly sampleRateHz?: number | undefined;
  /** Values of a frame. Default: what the graph fixes. */
  readonly bins?: number | undefined;
  /** Feature frames for each output step. Default: found by a trial run. */
  readonly timeStride?: number | undefined;
  /** Tensors, and their layouts, that go before what the graph tells. */
  readonly tensors?: Partial<CardTensors> | undefined;
}

/** A part of the card as it was answered, or what must be asked. */
export interface Answered<T> {
  readonly value?: T | undefined;
  readonly gaps: readonly string[];
}

const looseObject: z.ZodType<Readonly<Record<string, unknown>>> = z.looseObject({});

/**
 * The front end that was named, with what the graph's input tells of it.
 *
 * @param shape - of the input that carries the sound
 * @throws {InputError} when a file of it cannot be read, or its numbers are out of range; all of them are named
 */
export async function answeredFrontEnd(
  { frontEnd: named, sampleRateHz, ...answers }: CardAnswers,
  shape: readonly (number | string)[],
): Promise<Answered<FrontEnd>> {
  const bins = answers.bins ?? fixedBins(shape);
  const rate = '--sample-rate HZ, at which the model was trained';
  if (named === undefined) {
    const presets = Object.entries(FRONT_END_PRESETS).map(([name, { title }]) => `${name} (${title})`);
    const gap = `--front-end NAME|FILE.json, how sound becomes ${describeInput(shape, bins)}: ${presets.join(', ')}, or a file with the frontEnd of a card`;
    return { gaps: sampleRateHz === undefined ? [gap, `${rate}, where the front end does not say it`] : [gap] };
  }
  const preset = ownValue(FRONT_END_PRESETS, named);
  if (preset !== undefined) return ofPreset(named, preset, sampleRateHz, bins, rate);
  const read = await readJson(named, looseObject);
  const own = looseObject.safeParse(read['frontEnd']).data ?? read;
  const filled = {
    ...(own['kind'] !== 'waveform' && bins !== undefined && { bins }),
    ...(sampleRateHz !== undefined && { sampleRateHz }),
    ...own,
  };
  return { value: parseJson(JSON.stringify(filled), frontEndSchema, named), gaps: [] };
}

function ofPreset(
  name: string,
  preset: FrontEndPreset,
  given: number | undefined,
  bins: number | undefined,
  rate: string,
): Answered<FrontEnd> {
  const sampleRateHz = preset.sampleRateHz ?? given;
  const count = (sampleRateHz === undefined ? undefined : (bins ?? preset.bins?.(sampleRateHz))) ?? bins;
  const gaps: string[] = [];
  if (sampleRateHz === undefined) gaps.push(rate);
  else if (given !== undefined && given !== sampleRateHz) {
    gaps.push(
      `--sample-rate ${sampleRateHz}, the only one of ${name}, or leave it out; for ${given} give --front-end FILE.json`,
    );
  }
  if (count === undefined && preset.bins === undefined)
    gaps.push('--bins N, values of a frame, which the graph leaves open');
  if (gaps.length > 0 || sampleRateHz === undefined || count === undefined) return { gaps };
  return { value: preset.make({ sampleRateHz, bins: count }), gaps };
}

/** Values of a frame, where the graph fixes one axis of three besides that of the recordings. */
function fixedBins(shape: readonly (number | string)[]): number | undefined {
  const fixed = shape.slice(1).filter((size): size is number => typeof size === 'number' && size > 1);
  return shape.length >= 3 && fixed.length === 1 ? fixed[0] : undefined;
}

function describeInput(shape: readonly (number | string)[], bins: number | undefined): string {
  if (shape.length === 2) return 'the samples that the graph reads';
  return bins === undefined ? 'what the graph reads' : `the ${bins} values a frame that the graph reads`;
}
