import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quantlab } from './terminal.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-code-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('quantlab code', () => {
  it('writes a smaller file and brings the model back byte for byte', async () => {
    const [small, coded, back] = ['small.onnx', 'small.coded', 'back.onnx'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await quantlab('quantize', 'deepspeech2-lstm', '-o', small);
    const { exitCode, out } = await quantlab('code', small, '-o', coded, '--json');
    expect(exitCode).toBe(0);
    const { sizeBytes, report } = JSON.parse(out);
    // 8.28 to 6.53 MB for this model: one scale a tensor leaves the outer codes rare.
    expect(sizeBytes.before / sizeBytes.after).toBeGreaterThan(1.2);
    expect(report.codedBytes).toBeLessThan(report.sizeBytes);
    expect(await quantlab('code', coded, '-o', back, '--decode')).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining(`${(sizeBytes.after / 1e6).toFixed(1)} MB → 8.3 MB`),
    });
    expect((await readFile(back)).equals(await readFile(small))).toBe(true);
    expect((await quantlab('code', small, '-o', coded)).out).toContain('entropy (bits a byte)');
  });

  it('writes nothing when the code is damaged', async () => {
    const [coded, back] = [join(folder, 'small.coded'), join(folder, 'never.onnx')];
    const bytes = await readFile(coded);
    const at = bytes.indexOf('QLDR');
    bytes.fill(0xff, at + 9, at + 99);
    await writeFile(coded, bytes);
    expect(await quantlab('code', coded, '-o', back, '--decode')).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('restore the file'),
    });
    expect(await readdir(folder)).not.toContain('never.onnx');
  });
});
