import { escapeXml } from '../report/escape.js';
import { encodeWav } from '../speech/audio/encodeWav.js';
import type { Audio } from '../speech/types.js';
import { openScreen, type Screen } from './screen.js';

/**
 * Shows a player for a recording, which is kept inside the notebook: some seconds of it, not minutes. On a terminal, its length.
 *
 * @param audio - from `readAudio`
 * @param title - what is heard
 * @param screen - where; found out by default
 */
export async function showAudio(audio: Audio, title: string, screen?: Screen): Promise<void> {
  const { show } = screen ?? (await openScreen());
  const wav = Buffer.from(encodeWav(audio)).toString('base64');
  const seconds = (audio.samples.length / audio.sampleRateHz).toFixed(1);
  const player = `<audio controls preload="metadata" aria-label="${escapeXml(title)}" src="data:audio/wav;base64,${wav}"></audio>`;
  show(
    `<figure style="margin:0 0 1em"><figcaption>${escapeXml(title)}</figcaption>${player}</figure>`,
    `${title}, ${seconds} s`,
  );
}
