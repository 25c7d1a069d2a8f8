import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildModel } from '../../src/recognise/kinds/ctc/buildModel.js';
import { manifestPath } from '../../src/recognise/registry/embedded.js';
import { readManifest } from '../../src/speech/corpora/manifest.js';
import { typeErrors } from './typeErrors.js';

// The programs of the page "Use it on your own model", run as they stand there, on a model with random weights.
const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(join(root, 'post', 'use-it-on-your-own-model.md'), 'utf8');
const programs = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code);
// Below node_modules, where the package finds itself by its name.
const folder = mkdtempSync(join(root, 'node_modules', '.quantlab-page-'));

beforeAll(async () => {
  await buildModel(join(folder, 'model.onnx'), { layers: 1, units: 64 });
  const utterances = (await readManifest(manifestPath('calibration'))).slice(0, 2);
  const lines = utterances.map(({ audioPath, durationS, text }) =>
    JSON.stringify({ audio_filepath: audioPath, duration: durationS, text }),
  );
  writeFileSync(join(folder, 'speech.jsonl'), `${lines.join('\n')}\n`);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pathOf = (place: number, ending: string): string => join(folder, `program${place}.${ending}`);

function run(place: number): string {
  const { outputText } = ts.transpileModule(programs[place] ?? '', {
    compilerOptions: { module: ts.ModuleKind.ESNext },
  });
  const script = pathOf(place, 'mjs');
  writeFileSync(script, outputText);
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { cwd: folder, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return stdout;
}

describe('the page on a model of one’s own', { timeout: 300_000 }, () => {
  it('has two programs, of the right types', () => {
    expect(programs).toHaveLength(2);
    for (const [place, code] of programs.entries()) writeFileSync(pathOf(place, 'mts'), code);
    const paths = programs.map((_, place) => pathOf(place, 'mts'));
    expect(typeErrors(paths).map(({ messageText }) => messageText)).toEqual([]);
  });

  it('makes it smaller and times it without a card', () => {
    rmSync(join(folder, 'small.onnx'), { force: true });
    const printed = run(0);
    expect(printed).toMatch(/^[1-9]\d* weights are smaller\n\d+ \d+ [\d.]+ \[/);
    // Eight bits instead of thirty-two; convolutions, biases and normalisations stay.
    const [before, after] = ['model.onnx', 'small.onnx'].map((name) => statSync(join(folder, name)).size);
    expect(after).toBeLessThan(0.6 * (before ?? 0));
  });

  it('goes on to a figure', () => {
    const printed = run(1);
    expect(printed).toContain(join('figures', 'comparison.json'));
    const { alt } = JSON.parse(readFileSync(join(folder, 'figures', 'comparison.json'), 'utf8')) as { alt: string };
    expect(alt).toMatch(/seed1\.dynamic: Latency, mean \(ms\) [\d.]+ .*WER \(%\) [\d.]+/);
    if (!printed.includes('specs only')) expect(existsSync(join(folder, 'figures', 'comparison.svg'))).toBe(true);
  });
});
