import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codedSize } from '../../src/tune/codeModel.js';
import { quantlab } from './terminal.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-code-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('quantlab code', () => {
  it('writes a smaller file with its card, which is heard with as it is, and brings the model back byte for byte', async () => {
    const [small, coded, back] = ['small.onnx', 'coded.onnx', 'back.onnx'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await quantlab('quantize', 'deepspeech2-lstm', '-o', small);
    const { exitCode, out } = await quantlab('code', small, '-o', coded, '--json');
    expect(exitCode).toBe(0);
    const {
      sizeBytes,
      graphs: [{ report }],
    } = JSON.parse(out);
    // 8.28 to 6.53 MB for this model: one scale a tensor leaves the outer codes rare.
    expect(sizeBytes.before / sizeBytes.after).toBeGreaterThan(1.2);
    expect(report.codedBytes).toBeLessThan(report.sizeBytes);
    // Told without writing: names and lengths in the file take a few bytes more or less.
    const told = await codedSize({ graphs: { model: small } });
    expect(told / sizeBytes.after).toBeCloseTo(1, 3);
    expect(await codedSize({ graphs: { model: coded } })).toBe(sizeBytes.after);
    const hear = async (model: string) =>
      await quantlab('transcribe', 'data/speech/audio/auth-thankyou.flac', '--model', model);
    expect(await hear(coded)).toEqual(await hear(small));
    expect(await quantlab('code', coded, '-o', back, '--decode')).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining(`${(sizeBytes.after / 1e6).toFixed(1)} MB → 8.3 MB`),
    });
    expect((await readFile(back)).equals(await readFile(small))).toBe(true);
    expect((await quantlab('code', small, '-o', coded)).out).toContain('entropy (bits a value)');
    for (const [command, message] of [
      [['code', coded, '-o', back], 'it is as small as this gets'],
      [['code', small, '-o', back, '--decode'], 'other programs load it as it is'],
    ] as const) {
      expect(await quantlab(...command)).toMatchObject({ exitCode: 1, err: expect.stringContaining(message) });
    }
  });

  it('refuses a damaged code by its name, and writes nothing', async () => {
    const [coded, bare, back] = ['coded.onnx', 'bare.onnx', 'never.onnx'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const bytes = await readFile(coded);
    const at = bytes.indexOf('QLCD');
    bytes.fill(0xff, at + 10, at + 99);
    // Without a card there is no checksum that would tell.
    await writeFile(bare, bytes);
    for (const command of [
      ['code', bare, '-o', back, '--decode'],
      ['bench', bare, '--dim', 'batch=1', '--dim', 'frames=20', '--trials', '1'],
    ]) {
      expect(await quantlab(...command)).toMatchObject({
        exitCode: 1,
        err: expect.stringContaining('restore the file'),
      });
    }
    expect(await readdir(folder)).not.toContain('never.onnx');
  });
});
