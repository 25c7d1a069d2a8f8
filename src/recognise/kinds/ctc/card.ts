import { InputError } from '../../../errors.js';
import type { CardGraph, ModelCard } from '../../card/card.js';

/** Which tensors of the graph carry what, and in which form, for models that name and shape them otherwise. */
export interface CardTensors {
  /** float32, float16 or float64 [N, T, F]; see {@link CardTensors.featuresLayout}. Another axis, of one place, may stand between them. */
  readonly features: string;
  /**
   * Order of the axes of `features`: recordings, frames, features (`ntf`), features before frames (`nft`, NeMo), or frames first
   * (`tnf`). For a `waveform`, [N, T] (`nt`). Default: `nt` for a `waveform`, else the one that the graph's fixed sizes tell, else `ntf`.
   */
  readonly featuresLayout?: 'ntf' | 'nft' | 'tnf' | 'nt' | undefined;
  /** Frames of each recording, [N]. A graph without them hears one recording at a time. */
  readonly lengths?: string | undefined;
  /** What a length is: whole frames, in the graph's type, or the part of the longest (`relative`, float32, SpeechBrain). */
  readonly lengthsType?: 'int64' | 'int32' | 'float32' | 'relative' | undefined;
  /**
   * 1 for each frame of a recording, 0 for each of its padding, [N, T]: int64, int32, float32 or bool. Default: the graph's
   * `attention_mask`, where it has one.
   */
  readonly mask?: string | undefined;
  /** float32, float16 or float64 [N, T′, V]; see {@link CardTensors.scoresLayout}. */
  readonly logProbabilities: string;
  /**
   * Order of the axes of the scores: recordings, steps, classes (`ntv`), steps first (`tnv`), or classes before steps (`nvt`). Default:
   * the one that the graph's sizes and names of axes tell, else `ntv`.
   */
  readonly scoresLayout?: 'ntv' | 'tnv' | 'nvt' | undefined;
  /**
   * Whether the graph ends in logarithms of probabilities, before the softmax, or in probabilities. Default: told from what it gives,
   * recording by recording.
   */
  readonly scores?: 'log-probabilities' | 'logits' | 'probabilities' | undefined;
  /** Steps of each recording, whole numbers of any type [N]. Without them: frames over the time stride, rounded up. */
  readonly outputLengths?: string | undefined;
}

/** The card of a model whose one network gives the probability of each label at each step (connectionist temporal classification). */
export interface CtcCard extends ModelCard {
  readonly kind: 'ctc';
  readonly graphs: { readonly model: CardGraph };
  readonly tensors: CardTensors;
  /**
   * Output classes in order: the blank and whatever stands for nothing are empty strings; a space, `|` or `▁` divides words. A card on
   * disk may name a file beside it instead: a `vocab.json` (Hugging Face) or a `tokens.txt` (Kaldi, sherpa).
   */
  readonly labels: readonly string[];
  /** Index of the CTC blank in {@link CtcCard.labels}. On disk it may be left out where the file of the labels tells it. */
  readonly blank: number;
  /** Feature frames for each output step; samples, where the front end is a `waveform`. */
  readonly timeStride: number;
}

/** A card as it is on disk, where a file may hold the labels. */
export type CtcCardOnDisk = Omit<CtcCard, 'labels' | 'blank'> & {
  readonly labels: readonly string[] | string;
  readonly blank?: number | undefined;
};

/**
 * A card as one of this kind.
 *
 * @throws {InputError} when it is of another
 */
export function requireCtc(card: ModelCard): CtcCard {
  if (card.kind === 'ctc') return card as CtcCard;
  throw new InputError(`model ${card.id}: a model of the kind ctc was required, got ${card.kind}; choose another`);
}
