import { InputError } from '../../errors.js';

/**
 * Makes one channel of several.
 *
 * @param channels - equally long
 * @param channel - `mix`: their average; a number from 1: that one alone
 * @param path - file that they come from, for the error
 * @throws {InputError} when there is no such channel
 */
export function mixChannels(channels: readonly Float32Array[], channel: 'mix' | number, path: string): Float32Array {
  if (channel !== 'mix') {
    const chosen = channels[channel - 1];
    if (chosen !== undefined) return chosen;
    throw new InputError(
      `${path}: a channel from 1 to ${channels.length} was required, got ${channel}; choose one of them, or mix`,
    );
  }
  const [first = new Float32Array(0)] = channels;
  if (channels.length === 1) return first;
  const mono = new Float32Array(first.length);
  for (let i = 0; i < mono.length; i++) {
    let sum = 0;
    for (const one of channels) sum += one[i] as number;
    mono[i] = sum / channels.length;
  }
  return mono;
}
