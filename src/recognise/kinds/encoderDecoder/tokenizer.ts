import { Tokenizer } from '@huggingface/tokenizers';
import { InputError } from '../../../errors.js';
import { readText } from '../../../files.js';
import type { SpeechTokens } from './speechTokens.js';

/** Tokens to text and back. */
export interface TextTokenizer {
  /** The text of tokens, its spaces kept; tokens that steer and times are left out. */
  decode(tokens: readonly number[]): string;
  encode(text: string): readonly number[];
}

/**
 * Reads a tokenizer in Hugging Face's form (`tokenizer.json`).
 *
 * @param path - the file
 * @param tokens - what the model's card says of its tokens
 * @throws {InputError} when the file is missing or no tokenizer, or its tokens are not those of the card
 */
export async function readTokenizer(path: string, tokens: SpeechTokens): Promise<TextTokenizer> {
  const text = await readText(path);
  let tokenizer: Tokenizer;
  try {
    // The library wants these named even where there are none.
    const parts = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
    tokenizer = new Tokenizer({ ...parts, ...JSON.parse(text) }, {});
  } catch (error) {
    throw new InputError(
      `${path}: a tokenizer in Hugging Face's form was required, got: ${(error as Error).message}; restore the file`,
      { cause: error },
    );
  }
  requireToken(path, tokenizer, '<|startoftranscript|>', tokens.start);
  requireToken(path, tokenizer, '<|endoftext|>', tokens.end);
  return {
    decode: (ids) => {
      const said = ids.filter((id) => id < tokens.end);
      // The library refuses to decode nothing.
      return said.length === 0 ? '' : tokenizer.decode(said, { clean_up_tokenization_spaces: false });
    },
    encode: (words) => tokenizer.encode(words, { add_special_tokens: false }).ids,
  };
}

function requireToken(path: string, tokenizer: Tokenizer, token: string, id: number): void {
  const found = tokenizer.token_to_id(token);
  if (found === id) return;
  throw new InputError(
    `${path}: ${token} was required to be token ${id}, as the model's card says, got ${found ?? 'none'}; take the tokenizer that belongs to the model`,
  );
}
