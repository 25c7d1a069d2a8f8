import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { heardIn } from '../fixtures/model/reference.js';
import { quantlab } from './terminal.js';

const AUDIO = fileURLToPath(new URL('../../data/speech/audio/', import.meta.url));

describe('commands that measure', () => {
  let folder: string;
  let manifest: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quantlab-'));
    manifest = join(folder, 'manifest.jsonl');
    const line = { audio_filepath: join(AUDIO, 'added.flac'), duration: 5785 / 8000, text: 'added' };
    await writeFile(manifest, [1, 2].map((id) => `${JSON.stringify({ id: String(id), ...line })}\n`).join(''));
  });

  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  it('throughput keeps every pass and names the best arrangement', async () => {
    const out = join(folder, 'throughput.json');
    const model = 'deepspeech2-lstm';
    const args = [model, '--manifest', manifest, '--streams', '1', '--batches', '2', '--rounds', '1', '--cores', '1'];
    const { exitCode, out: printed, err } = await quantlab('throughput', ...args, '--out', out);
    expect(exitCode, err).toBe(0);
    expect(printed).toMatch(/best: 1 × 1 thread, batch 2/);
    expect(printed).toMatch(/deepspeech2-lstm: 2 utterances, 1 s of sound/);
    const kept = JSON.parse(await readFile(out, 'utf8'));
    expect(kept.passes).toHaveLength(2);
    const heard = heardIn('added');
    expect(kept.passes[0].texts).toEqual([heard, heard]);
    expect(kept.reports[0].results[0].accuracy.wer.value).toBe(heard === 'added' ? 0 : 1);
    expect(err.split('\n').filter((line) => /^\d\/2 /.test(line))).toHaveLength(2);
  });

  it('refuse what they cannot measure', async () => {
    expect(await quantlab('load', '--requests', '100')).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('from 130 was required'),
    });
    expect((await quantlab('caching', '--exponent', '-1')).exitCode).toBe(2);
    expect((await quantlab('throughput', '--batches', '1,x')).exitCode).toBe(2);
    const nobody = await quantlab('load', '--manifest', manifest, '--url', 'http://127.0.0.1:1025');
    expect(nobody).toMatchObject({ exitCode: 1, err: expect.stringContaining('a service that answers was required') });
  });
});
