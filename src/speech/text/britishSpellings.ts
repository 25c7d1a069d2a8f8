import { readFileSync } from 'node:fs';

/**
 * The table of openai/whisper (whisper/normalizers/english.json, release 20250625), written shorter: `s→z accessori:e,ed` stands for
 * accessorise → accessorize and accessorised → accessorized.
 */
const TABLE = new URL('../../../data/words/british-spellings.txt', import.meta.url);

/**
 * Reads the table of spellings.
 *
 * @returns the American spelling of each British one: 1,738 words
 */
export function readSpellings(): ReadonlyMap<string, string> {
  const spellings = new Map<string, string>();
  let [british, american] = ['', ''];
  for (const token of readFileSync(TABLE, 'utf8').trim().split(/\s+/)) {
    if (token.includes('→')) {
      [british = '', american = ''] = token.split('→');
      continue;
    }
    const [stem = '', ends = ''] = token.split(':');
    for (const end of ends.split(',')) spellings.set(stem + british + end, stem + american + end);
  }
  return spellings;
}
