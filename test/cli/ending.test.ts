/** How commands end that nobody waits for any more. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeModel } from '../../src/onnx/file/write.js';
import { recurrentModel } from '../compress/smallModels.js';
import { interrupted } from './terminal.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-ending-'));
const bare = join(folder, 'bare.onnx');
const out = join(folder, 'out.onnx');
const model = 'deepspeech2-lstm';
beforeAll(async () => await writeModel(recurrentModel(3), bare));
afterAll(() => rmSync(folder, { recursive: true }));

describe('Ctrl-C', () => {
  it.each([
    ['compare', model, model],
    ['compare', bare, bare],
    ['memory', model],
    ['quantize', model, '-o', out, '--recipe', 'static'],
    ['quantize', model, '-o', out, '--recipe', 'hybrid'],
    ['sensitivity', model],
    ['sensitivity', bare],
  ])('ends %s %s before its first run', async (...args) => {
    const { exitCode, out: printed, err } = await interrupted(AbortSignal.abort(), ...args);
    expect({ exitCode, printed }).toEqual({ exitCode: 1, printed: '' });
    expect(err).toContain('interrupted: ');
    expect(readdirSync(folder)).toEqual(['bare.onnx']);
  });
});

describe('a reader that goes, as `head` does', () => {
  it.skipIf(process.platform === 'win32')('ends a command quietly, as SIGPIPE would', async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, '..', '..', 'dist', 'cli.js'), 'help', 'bench']);
    child.stdout.destroy();
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    const exitCode = await new Promise((resolve) => child.once('close', resolve));
    expect({ exitCode, said }).toEqual({ exitCode: 141, said: '' });
  });
});
