import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { showAlignment, showAudio } from '../../src/notebook/index.js';
import type { Screen } from '../../src/notebook/screen.js';
import { spectrogramFigure } from '../../src/report/figures/spectrogramFigure.js';
import { readAudio } from '../../src/speech/audio/audio.js';
import { encodeWav } from '../../src/speech/audio/encodeWav.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-wav-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function record(): { readonly screen: Screen; readonly shown: [string, string][] } {
  const shown: [string, string][] = [];
  const show = (html: string, plain: string): void => void shown.push([html, plain]);
  return { screen: { show, openPlace: () => show }, shown };
}

describe('speech in a notebook', () => {
  it('is written as a WAV file that reads as it was, to half a step of 16 bits, and clipped', async () => {
    const samples = Float32Array.from({ length: 600 }, (_, index) => [0, 0.5, -0.25, 1, -1, 3][index % 6] ?? 0);
    const path = join(folder, 'one.wav');
    writeFileSync(path, encodeWav({ samples, sampleRateHz: 8000 }));
    const audio = await readAudio(path);
    expect(audio.sampleRateHz).toBe(8000);
    expect(audio.samples.length).toBe(600);
    for (const [index, sample] of audio.samples.entries()) {
      expect(Math.abs(sample - Math.min(1, samples[index] as number))).toBeLessThan(2 / 32_768);
    }
  });

  it('is played, and on a terminal told', async () => {
    const { screen, shown } = record();
    await showAudio({ samples: new Float32Array(4000), sampleRateHz: 8000 }, 'a < b', screen);
    expect(shown[0]?.[0]).toContain('src="data:audio/wav;base64,UklGR');
    expect(shown[0]?.[0]).toContain('a &lt; b');
    expect(shown[0]?.[1]).toBe('a < b, 0.5 s');
  });

  it('is shown word by word beside what was heard', async () => {
    const { screen, shown } = record();
    await showAlignment('hold the line please', [{ title: 'int8', text: 'told line please now' }], screen);
    expect(shown[0]?.[0]).toContain('<b>told</b><rp>(</rp><rt style="font-size:0.8em">hold</rt>');
    expect(shown[0]?.[0]).toContain('<del>the</del> line please <ins>now</ins>');
    expect(shown[0]?.[1]).toContain('REF: hold the line');
  });

  it('is drawn with few cells, whose means stay', () => {
    const features = { data: new Float32Array(1000 * 161).fill(0.5), frames: 1000, bins: 161 };
    const { spec, alt } = spectrogramFigure(features, 'hold the line', { frameS: 0.01, highestHz: 8000 });
    const cells = spec.data[0]?.['z'] as number[][];
    expect(cells.length).toBeLessThanOrEqual(64);
    expect(cells[0]?.length).toBe(200);
    expect(new Set(cells.flat())).toEqual(new Set([0.5]));
    expect(alt).toContain('10.0 seconds up to 8 kilohertz');
  });
});
