import { manifestPath } from '../recognise/registry/embedded.js';
import { readUtterances } from '../speech/corpora/recordings.js';
import type { Utterance } from '../speech/types.js';
import type { Terminal } from './terminal.js';

/**
 * The recordings of a set or a manifest. Those that cannot be read are named and left out; the command goes on
 * with the others and ends with exit code 1.
 */
export async function heardOf(manifest: string, terminal: Terminal): Promise<readonly Utterance[]> {
  const { leaveOut: onLeftOut, signal } = terminal;
  const onMismatch = (message: string): void => terminal.say(`warning: ${message}\n`);
  return await readUtterances(manifestPath(manifest), { onLeftOut, onMismatch, signal });
}
