import { z } from 'zod';
import { InputError } from '../../errors.js';
import { readJson } from '../../files.js';
import type { SpecialTokens } from '../kinds/encoderDecoder/card.js';
import type { WhisperShape } from './whisperShape.js';

interface Tokenizer {
  readonly model: { readonly vocab: Readonly<Record<string, number>> };
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
}

const tokenizerSchema: z.ZodType<Tokenizer> = z.object({
  model: z.object({ vocab: z.record(z.string(), z.int().nonnegative()) }),
  added_tokens: z.array(z.object({ id: z.int().nonnegative(), content: z.string() })),
});

/** From this size on OpenAI's models know languages: the English-only ones have a token less. */
const MULTILINGUAL_VOCABULARY = 51_865;

/**
 * Reads from a tokenizer (`tokenizer.json`) which tokens steer the model.
 *
 * @param isMultilingual - whether the model knows languages; by default told from its vocabulary, for English-only tokenizers
 * name them, too
 * @throws {InputError} when it lacks one, or does not fit the model's vocabulary
 */
export async function readSpecialTokens(
  path: string,
  shape: WhisperShape,
  isMultilingual: boolean = shape.vocabulary >= MULTILINGUAL_VOCABULARY,
): Promise<SpecialTokens> {
  const tokenizer = await readJson(path, tokenizerSchema);
  const added = new Map(tokenizer.added_tokens.map(({ content, id }) => [content, id]));
  const find = (...names: readonly string[]): number => {
    const name = names.find((one) => added.has(`<|${one}|>`));
    const id = name === undefined ? undefined : added.get(`<|${name}|>`);
    if (id !== undefined) return id;
    throw new InputError(
      `${path}: the tokenizer of a Whisper was required, got one without the token <|${names[0]}|>; take the model's own`,
    );
  };
  const noTimestamps = find('notimestamps');
  const [endOfText, startOfTranscript] = [find('endoftext'), find('startoftranscript')];
  const translate = find('translate');
  // Steps of 0.02 s, both ends of the window.
  const timestamps = shape.windowSteps + 1;
  const highest = Math.max(...Object.values(tokenizer.model.vocab), ...added.values());
  const count = Math.max(highest, noTimestamps + timestamps) + 1;
  if (count !== shape.vocabulary) {
    throw new InputError(
      `${path}: a tokenizer of ${shape.vocabulary} tokens, as the model has, was required, got one of ${count}; take the model's own`,
    );
  }
  return {
    start: startOfTranscript,
    end: endOfText,
    noSpeech: find('nospeech', 'nocaptions'),
    noTimestamps,
    firstTimestamp: noTimestamps + 1,
    previous: find('startofprev'),
    ...(isMultilingual && {
      transcribe: find('transcribe'),
      translate,
      languages: languagesOf(added, startOfTranscript, translate),
    }),
  };
}

/** They stand between the start and the tasks. */
function languagesOf(added: ReadonlyMap<string, number>, start: number, end: number): Record<string, number> {
  const found = [...added].filter(([content, id]) => id > start && id < end && /^<\|[a-z]{2,4}\|>$/.test(content));
  return Object.fromEntries(found.map(([content, id]) => [content.slice(2, -2), id]));
}
