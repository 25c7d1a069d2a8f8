import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Bytes of the recordings of a manifest. */
export function readRecordings(manifest: string): readonly Buffer[] {
  const lines = readFileSync(manifest, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => {
    const { audio_filepath } = JSON.parse(line) as { readonly audio_filepath: string };
    return readFileSync(join(dirname(manifest), audio_filepath));
  });
}
