import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Bytes of the recordings of a manifest.
 *
 * @param most - how many, evenly spread. Default: all
 */
export function readRecordings(manifest: string, most: number = Number.POSITIVE_INFINITY): readonly Buffer[] {
  const lines = readFileSync(manifest, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const count = Math.min(most, lines.length);
  return Array.from({ length: count }, (_, n) => {
    const line = lines[Math.floor((n * lines.length) / count)] as string;
    const { audio_filepath } = JSON.parse(line) as { readonly audio_filepath: string };
    return readFileSync(join(dirname(manifest), audio_filepath));
  });
}
