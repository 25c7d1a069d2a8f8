import { readFileSync } from 'node:fs';
import { ownValue } from '../../ownValue.js';
import type { WantedFile } from '../../speech/corpora/getFile.js';

/** A Whisper that OpenAI published at Hugging Face. */
export interface PublishedWhisper {
  readonly repository: string;
  /** A commit: what it names never changes. */
  readonly revision: string;
  readonly files: readonly WantedFile[];
}

/** Digests (SHA-256) of the bytes of a model's files; `null` where none was found: then the commit alone says what is got. */
interface Digests {
  readonly revision: string;
  readonly config: string | null;
  readonly generation: string;
  readonly tokenizer: string | null;
  readonly weights: { readonly sha256: string; readonly sizeBytes: number };
}

/**
 * By id. Commits and digests come from public repositories of programs that pin the same files, each found in two of them, but for the
 * weights of medium.en, which one names. That the two did not take them from each other was not shown, and they were not compared with
 * what huggingface.co serves, which was not reached.
 */
const DIGESTS = new URL('../../../data/models/whispers.json', import.meta.url);

/** What `openai-whisper` calls the newest of the fast ones. */
const ALIASES: Readonly<Record<string, string>> = { 'whisper-turbo': 'whisper-large-v3-turbo' };

let known: Readonly<Record<string, Digests>> | undefined;

function digests(): Readonly<Record<string, Digests>> {
  known ??= JSON.parse(readFileSync(DIGESTS, 'utf8')) as Readonly<Record<string, Digests>>;
  return known;
}

/** The ids of the Whispers that can be got. */
export function publishedWhispers(): readonly string[] {
  return [...Object.keys(digests()), ...Object.keys(ALIASES)];
}

/**
 * A Whisper of OpenAI's by its id.
 *
 * @returns `undefined` for another id
 */
export function publishedWhisper(id: string): PublishedWhisper | undefined {
  const name = ownValue(ALIASES, id) ?? id;
  const found = ownValue(digests(), name);
  if (found === undefined) return undefined;
  const { revision, config, generation, tokenizer, weights } = found;
  const file = (path: string, value: string | null, sizeBytes?: number): WantedFile => ({
    path,
    checksum: value === null ? null : { algorithm: 'sha256', value },
    ...(sizeBytes !== undefined && { sizeBytes }),
  });
  return {
    repository: `openai/${name}`,
    revision,
    files: [
      file('config.json', config),
      file('generation_config.json', generation),
      file('tokenizer.json', tokenizer),
      file('model.safetensors', weights.sha256, weights.sizeBytes),
    ],
  };
}
