import { describe, expect, it } from 'vitest';
import { quantlab } from './terminal.js';

describe('the command line', () => {
  it('ends with 2 and names the option that it does not know', async () => {
    const { exitCode, err } = await quantlab('inspect', 'model.onnx', '--hush');
    expect(exitCode).toBe(2);
    expect(err).toContain("unknown option '--hush'");
  });

  it('ends with 2 for a command that it does not know, and for a missing argument', async () => {
    expect((await quantlab('inspekt')).exitCode).toBe(2);
    expect(await quantlab('inspect')).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("missing required argument 'model'"),
    });
  });

  it('ends with 2 for a value that is not possible', async () => {
    expect(await quantlab('transcribe', 'a.wav', '--threads', '0')).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('A whole number from 1 to 1024 is required'),
    });
    expect(await quantlab('quantize', 'a.onnx', '-o', 'b.onnx', '--recipe', 'magic')).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('magic'),
    });
    // Whether a file or a folder is wanted is known only when the model is.
    expect(await quantlab('quantize', 'deepspeech2-lstm', '-o', 'b.bin')).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('a name ending in .onnx'),
    });
  });

  it('ends with 1 and names the file that is missing', async () => {
    for (const args of [
      ['inspect', 'missing.onnx'],
      ['transcribe', 'missing.wav'],
      ['quantize', 'missing.onnx', '-o', 'out.onnx'],
    ]) {
      const { exitCode, err } = await quantlab(...args);
      expect(exitCode, args.join(' ')).toBe(1);
      expect(err).toContain(args[1]);
    }
  });
});
