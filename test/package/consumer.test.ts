import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildModel } from '../../src/recognise/kinds/ctc/buildModel.js';
import { listModels } from '../../src/recognise/registry/registry.js';
import { packModel } from '../../src/recognise/weights/pack.js';

/**
 * What somebody gets who installs the package: none of this repository's overrides, links or development packages.
 * Needs the npm registry: without it the test is skipped, but not where CI asks for it.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'quantlab-consumer-'));
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const typesVersion = (
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { devDependencies: Record<string, string> }
).devDependencies['@types/node'];

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly status: number | null;
  readonly output: string;
  /** Standard output alone. */
  readonly printed: string;
}

function run(program: string, args: readonly string[], cwd: string = folder): Ended {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    env: { ...process.env, QUANTLAB_CACHE: join(folder, 'cache') },
  });
  return { status, output: `${stdout}${stderr}`, printed: stdout };
}

/** Checks a program's types strictly and runs it, as a user of the package would. */
function checkAndRun(name: string, source: string): Ended {
  writeFileSync(join(folder, `${name}.ts`), source);
  const strict = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
  const checked = run(process.execPath, [compiler, ...strict, `${name}.ts`]);
  return checked.status === 0 ? run(process.execPath, [`${name}.js`]) : checked;
}

let installed: Ended = { status: null, output: 'not installed', printed: '' };
let packed: { readonly filename: string; readonly size: number; readonly files: readonly { readonly path: string }[] };

/** Bytes of everything in a folder. */
function sizeOf(place: string): number {
  const entries = readdirSync(place, { withFileTypes: true, recursive: true });
  return entries.reduce((sum, entry) => {
    return sum + (entry.isFile() ? statSync(join(entry.parentPath, entry.name)).size : 0);
  }, 0);
}

beforeAll(() => {
  const { output, printed } = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root);
  expect(printed, output).toMatch(/^\[/);
  packed = (JSON.parse(printed) as (typeof packed)[])[0] as typeof packed;
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--cache', join(folder, 'npm-cache')];
  installed = run('npm', ['install', ...quiet, join(folder, packed.filename), `@types/node@${typesVersion}`]);
  if (installed.status !== 0) process.stderr.write(`The package is not tried as a user's: ${installed.output}\n`);
  mkdirSync(join(folder, 'speech'));
  copyFileSync(join(root, 'test', 'fixtures', 'speech', 'auth-thankyou.16k.wav'), join(folder, 'speech.wav'));
}, 300_000);

describe('the package in a folder of its own', () => {
  it('is installed where CI asks for it', () => {
    expect(installed.status === 0 || process.env['CI'] !== 'true', installed.output).toBe(true);
  });

  it('is at most 15 MB to download: the default model and the speech that recipes calibrate on', () => {
    expect(packed.size).toBeLessThan(15e6);
    const paths = packed.files.map(({ path }) => path);
    expect(paths.filter((path) => path.endsWith('.weights'))).toEqual(['data/models/deepspeech2-lstm/model.weights']);
    const lines = readFileSync(join(root, 'data', 'speech', 'calibration.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const recordings = lines.map((line) => (JSON.parse(line) as { audio_filepath: string }).audio_filepath);
    const carried = paths.filter((path) => path.endsWith('.flac')).map((path) => path.replace('data/speech/', ''));
    expect(carried.sort()).toEqual(recordings.sort());
    expect(paths.filter((path) => /\.map$|^src\/|^test\//.test(path))).toEqual([]);
  });

  it('is at most 60 MB installed, beside the runtime', ({ skip }) => {
    skip(installed.status !== 0);
    const modules = join(folder, 'node_modules');
    expect(sizeOf(modules) - sizeOf(join(modules, 'onnxruntime-node'))).toBeLessThan(60e6);
  });

  it('has ways in that load by require and by import', ({ skip }) => {
    skip(installed.status !== 0);
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: object };
    const names = Object.keys(exports).map((path) => path.replace('.', 'quantlab'));
    const lines = names
      .filter((name) => !name.endsWith('.json'))
      .map((name) => `Object.keys(require('${name}')).length`);
    writeFileSync(join(folder, 'ways.cjs'), `console.log(JSON.stringify([${lines.join(', ')}]));`);
    const { printed, output } = run(process.execPath, ['ways.cjs']);
    expect(printed, output).toMatch(/^\[\d/);
    const required = JSON.parse(printed) as number[];
    expect(required).toHaveLength(8);
    expect(required.filter((count) => count < 5)).toEqual([]);
    const imports = names.filter((name) => !name.endsWith('.json')).map((name) => `(await import('${name}'))`);
    writeFileSync(
      join(folder, 'ways.mjs'),
      `console.log(JSON.stringify([${imports.map((one) => `Object.keys(${one}).filter((name) => name !== 'module.exports').length`).join(', ')}]));`,
    );
    expect(JSON.parse(run(process.execPath, ['ways.mjs']).printed)).toEqual(required);
  });

  it('has types of each way in, for strict programs and for kernels that know no exports', ({ skip }) => {
    skip(installed.status !== 0);
    const source = `
      import { wordErrorRate } from 'quantlab/speech';
      import { PRESETS } from 'quantlab/compress';
      import { readModel } from 'quantlab/onnx';
      import { bench } from 'quantlab/measure';
      import { Recognizer } from 'quantlab/recognise';
      import { buildTable } from 'quantlab/report';
      import { showTable } from 'quantlab/notebook';
      const rate: number = wordErrorRate('a b', 'a c');
      console.log(rate, PRESETS.dynamic.name, [readModel, bench, Recognizer, buildTable, showTable].length);`;
    expect(checkAndRun('typed', source).output).toBe('0.5 dynamic 5\n');
    const old = [
      '--module',
      'es2022',
      '--moduleResolution',
      'node10',
      '--target',
      'es2022',
      '--skipLibCheck',
      '--noEmit',
    ];
    expect(run(process.execPath, [compiler, ...old, '--types', 'node', 'typed.ts']).output).toBe('');
  });

  it('says how to get speech and models that it does not carry, and finds them when they were got', async ({
    skip,
  }) => {
    skip(installed.status !== 0);
    const quantlab = (...args: readonly string[]): Ended => run('npx', ['--no-install', 'quantlab', ...args]);
    const asked = quantlab('evaluate', '--manifest', 'dev');
    expect(asked.output).toContain('quantlab data get dev --from');
    expect(asked.status).toBe(1);
    // A model with little in it, shipped elsewhere as ours are here.
    const id = 'elsewhere';
    const models = join(folder, 'models');
    const { card, path } = await buildModel(join(folder, 'built.onnx'), { layers: 1, units: 8, seed: 1 });
    const [shipped] = await listModels();
    await packModel(path, { ...shipped, ...card, id }, join(models, id));
    expect(quantlab('data', 'get', 'dev', '--from', join(root, 'data', 'speech')).output).toContain('dev: ready in');
    expect(quantlab('model', 'get', id, '--from', models).output).toContain(`${id}: ready`);
    const heard = quantlab('transcribe', 'speech.wav', '--model', id, '--json');
    expect(JSON.parse(heard.printed)).toMatchObject([{ text: expect.any(String) }]);
  });

  it('makes tables without any peer, and asks by name for the one that data frames need', ({ skip }) => {
    skip(installed.status !== 0);
    const peers = ['danfojs-node', 'tslab', 'plotly.js-dist', 'playwright-core'];
    expect(peers.filter((peer) => existsSync(join(folder, 'node_modules', peer)))).toEqual([]);
    const { output } = checkAndRun(
      'peers',
      `import { UnavailableError } from 'quantlab';
       import { buildTable, tableToText, toFrame } from 'quantlab/report';
       console.log(tableToText(buildTable([{ a: '1' }], { title: 'a table' })));
       const error: unknown = await toFrame([{ a: 1 }]).catch((reason: unknown) => reason);
       console.log(error instanceof UnavailableError && error.message);`,
    );
    expect(output).toContain('a table');
    expect(output).toContain('npm install danfojs-node');
  });

  it('runs the README’s example, with types', ({ skip }) => {
    skip(installed.status !== 0);
    const example = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] ?? '';
    const { status, output } = checkAndRun('example', example);
    expect(output).toMatch(/^[a-z' ]+ \d+(\.\d+)?\n$/);
    expect(status).toBe(0);
  });

  it('has a command line that compresses a model and says how far it is', ({ skip }) => {
    skip(installed.status !== 0);
    const quantized = run('npx', ['--no-install', 'quantlab', 'quantize', 'deepspeech2-lstm', '-o', 'small.onnx']);
    expect(quantized.output).toMatch(/small\.onnx: 32\.\d MB → \d\.\d MB/);
    const heard = run('npx', [
      '--no-install',
      'quantlab',
      'transcribe',
      'speech.wav',
      '--model',
      'small.onnx',
      '--json',
    ]);
    expect(JSON.parse(heard.printed)).toMatchObject([{ text: expect.stringMatching(/^[a-z' ]+$/) }]);
  });
});
