import type { CtcCard } from '../../src/recognise/kinds/ctc/card.js';
import { requireCtc } from '../../src/recognise/kinds/ctc/card.js';
import type { Scores, Stages } from '../../src/recognise/kinds/kind.js';
import type { ResolvedModel } from '../../src/recognise/model.js';
import type { Recognizer } from '../../src/recognise/recognizer.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import type { Audio } from '../../src/speech/types.js';

/** A model of the kind `ctc`. */
export async function ctcModel(idOrPath: string): Promise<ResolvedModel & { readonly card: CtcCard }> {
  const model = await resolveModel(idOrPath);
  return { ...model, card: requireCtc(model.card) };
}

/** The stages of a recognizer that has some. */
export function stagesOf({ stages }: Recognizer): Stages {
  if (stages === undefined) throw new Error('a recognizer with stages was required');
  return stages;
}

/** What its network says of recordings together. */
export async function scoresOf(recognizer: Recognizer, audios: readonly Audio[]): Promise<readonly Scores[]> {
  const stages = stagesOf(recognizer);
  return await stages.infer(audios.map((audio) => stages.features(audio)));
}
