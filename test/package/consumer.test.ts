import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

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

beforeAll(() => {
  const packed = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root);
  const names = /"filename": "([^"]+\.tgz)"/.exec(packed.output);
  expect(names, packed.output).not.toBeNull();
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--cache', join(folder, 'npm-cache')];
  installed = run('npm', ['install', ...quiet, join(folder, names?.[1] ?? ''), `@types/node@${typesVersion}`]);
  if (installed.status !== 0) process.stderr.write(`The package is not tried as a user's: ${installed.output}\n`);
  mkdirSync(join(folder, 'speech'));
  copyFileSync(join(root, 'test', 'fixtures', 'speech', 'auth-thankyou.16k.wav'), join(folder, 'speech.wav'));
}, 300_000);

describe('the package in a folder of its own', () => {
  it('is installed where CI asks for it', () => {
    expect(installed.status === 0 || process.env['CI'] !== 'true', installed.output).toBe(true);
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
