import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAudio } from '../../../src/speech/audio/audio.js';
import { type LeftOut, readRecording, readUtterances } from '../../../src/speech/corpora/recordings.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-recordings-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** 3.285 s. */
const speech = new URL('../../../data/speech/audio/agent-pass.flac', import.meta.url).pathname;
const line = { id: 'a', audio_filepath: speech, duration: 3.285, text: 'x' };

beforeAll(() => writeFileSync(join(folder, 'cut.flac'), readFileSync(speech).subarray(0, 9000)));

async function read(...lines: readonly object[]) {
  const path = join(folder, 'set.jsonl');
  writeFileSync(path, lines.map((one) => JSON.stringify(one)).join('\n'));
  const leftOut: LeftOut[] = [];
  const warnings: string[] = [];
  const utterances = await readUtterances(path, {
    onLeftOut: (one) => leftOut.push(one),
    onMismatch: (one) => warnings.push(one),
  });
  return { utterances, leftOut, warnings };
}

describe('readRecording', () => {
  it('reads exactly the part that a line of a manifest means (NeMo: offset and duration)', async () => {
    const whole = await readAudio(speech);
    const { utterances } = await read({ ...line, offset: 1.25, duration: 0.5 });
    const part = await readRecording(utterances[0] as (typeof utterances)[0]);
    expect(part.samples).toEqual(whole.samples.slice(10_000, 14_000));
  });

  it('refuses a part that the recording does not have', async () => {
    const part = { id: 'a', audioPath: speech, startS: 3, durationS: 1 };
    await expect(readRecording(part)).rejects.toThrow(/sound up to 4\.000 s was required, got a recording of 3\.285 s/);
  });
});

describe('readUtterances', () => {
  it('counts the seconds of the sound, not those of the manifest, and says where they are far apart', async () => {
    for (const duration of [32.85, 1]) {
      const { utterances, leftOut, warnings } = await read({ ...line, duration });
      expect(utterances).toMatchObject([{ id: 'a', durationS: 3.285 }]);
      expect(leftOut).toEqual([]);
      expect(warnings.join()).toMatch(
        /agent-pass\.flac: [\d.]+ s by .*set\.jsonl, 3\.285 s of sound; the sound counts: mend/,
      );
    }
    expect((await read({ ...line, duration: 3.3 })).warnings).toEqual([]);
  });

  it('keeps the good ones of many and tells of the others', async () => {
    const { utterances, leftOut } = await read(
      { ...line, id: 'cut', audio_filepath: 'cut.flac' },
      line,
      { ...line, id: 'none', audio_filepath: 'none.wav' },
      { ...line, id: 'part', offset: 1, duration: 1 },
    );
    expect(utterances.map(({ id }) => id)).toEqual(['a', 'part']);
    expect(leftOut.map(({ id }) => id)).toEqual(['cut', 'none']);
    expect(leftOut.map(({ message }) => message).join('\n')).toMatch(/cut\.flac.*\n.*none\.wav/);
  });

  it('throws when none is good', async () => {
    await expect(read({ ...line, audio_filepath: 'cut.flac' })).rejects.toThrow(
      /set\.jsonl: a recording that can be read was required, got 1 that cannot; the last: .*cut\.flac/,
    );
  });
});
