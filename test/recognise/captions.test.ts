import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { captionsOf, formatCaptions } from '../../src/recognise/captions.js';
import { transcribe } from '../../src/recognise/transcribe.js';
import type { Audio, WordTime } from '../../src/speech/types.js';

interface Reference {
  readonly captions: {
    readonly segments: readonly { readonly start: number; readonly end: number; readonly text: string }[];
    readonly srt: string;
    readonly vtt: string;
  };
}

// Made by openai-whisper 20250625's WriteSRT and WriteVTT: make_rules.py, beside the file.
const { captions: reference } = JSON.parse(
  readFileSync(new URL('kinds/encoderDecoder/rules.json', import.meta.url), 'utf8'),
) as Reference;

const word = (text: string, startS: number, endS: number): WordTime => ({ word: text, startS, endS, confidence: 1 });

describe('captions', () => {
  it.each(['srt', 'vtt'] as const)('%s: as openai-whisper writes them', (format) => {
    const captions = reference.segments.map(({ start, end, text }) => ({ startS: start, endS: end, text }));
    expect(formatCaptions(captions, format)).toBe(reference[format]);
  });

  it('end at a pause of half a second', () => {
    const words = [word('please', 0.2, 0.5), word('enter', 0.6, 0.9), word('your', 1.45, 1.6), word('pin', 1.7, 2)];
    expect(captionsOf({ segments: [], words })).toEqual([
      { startS: 0.2, endS: 0.9, text: 'please enter' },
      { startS: 1.45, endS: 2, text: 'your pin' },
    ]);
  });

  it('hold two lines and seven seconds at most', () => {
    const words = Array.from({ length: 60 }, (_, i) => word('steadily', i * 0.3, i * 0.3 + 0.25));
    const captions = captionsOf({ segments: [], words });
    for (const { text, startS, endS } of captions) {
      expect(text.length).toBeLessThanOrEqual(84);
      expect(endS - startS).toBeLessThanOrEqual(7);
    }
    expect(captions.map(({ text }) => text).join(' ')).toBe(words.map((one) => one.word).join(' '));
    expect(captionsOf({ segments: [], words: [word('long', 0, 6), word('short', 6.2, 7.1)] })).toHaveLength(2);
  });

  it('are the segments where no word has a time; one without text is none', () => {
    const segments = [
      { startS: 0, endS: 1, text: 'one' },
      { startS: 1, endS: 2, text: '' },
    ];
    expect(captionsOf({ segments })).toEqual([{ startS: 0, endS: 1, text: 'one' }]);
    expect(formatCaptions([], 'vtt')).toBe('WEBVTT\n\n');
    // W3C, WebVTT, 4.1: a cue's text has no bare < and &.
    const marks = [{ startS: 0, endS: 1, text: 'R&D <b>' }];
    expect(formatCaptions(marks, 'vtt')).toContain('\nR&amp;D &lt;b>\n');
    expect(formatCaptions(marks, 'srt')).toContain('\nR&D <b>\n');
    expect(formatCaptions([], 'srt')).toBe('');
  });
});

describe('the words of a transcript', () => {
  it('are those of its text, once, where segments overlap', async () => {
    // Two pieces that share a second; both hear "two" in it, and each spoils nothing.
    const heard = [
      [word('one', 0.5, 1), word('two', 9.2, 9.6)],
      [word('two', 0.2, 0.6), word('three', 3, 3.4)],
    ].values();
    const listener = {
      recognize: async (audio: Audio) => {
        const words = heard.next().value ?? [];
        const timing = { totalMs: 1, featuresMs: 0, inferenceMs: 1, decodingMs: 0 };
        const text = words.map((one) => one.word).join(' ');
        return { text, words, logProbability: 0, audioS: audio.samples.length / audio.sampleRateHz, timing };
      },
    };
    // Nothing is silent, so that the cut falls into sound and is shared.
    const sound = { samples: new Float32Array(1500).fill(0.5), sampleRateHz: 100 };
    const { text, words, segments } = await transcribe(listener, [sound], { targetS: 10, lookBackS: 0.5, overlapS: 1 });
    expect(segments).toHaveLength(2);
    expect(text).toBe('one two three');
    expect(words?.map((one) => one.word).join(' ')).toBe(text);
    expect(words?.[2]?.startS).toBeCloseTo((segments[1]?.startS ?? 0) + 3, 6);
  });
});
