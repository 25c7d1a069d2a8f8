import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';
import { typeErrors } from './typeErrors.js';

// The ways into the package, as they are built: each has an example that says what it prints, and loads no more than it needs.
const root = fileURLToPath(new URL('../../', import.meta.url));
// Below node_modules, where the package finds itself by its name.
const folder = mkdtempSync(join(root, 'node_modules', '.quantlab-examples-'));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
  readonly typesVersions: { readonly '*': Readonly<Record<string, readonly string[]>> };
};

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const entries = readdirSync(join(root, 'src', 'entries')).map((name) => name.replace(/\.ts$/, ''));
const subPaths = ['notebook', ...entries].sort();

function sourceOf(subPath: string): string {
  const place = subPath === '' ? 'index.ts' : subPath === 'notebook' ? 'notebook/index.ts' : `entries/${subPath}.ts`;
  return readFileSync(join(root, 'src', place), 'utf8');
}

/** The code of the module's example, and what its comments say that it prints. */
function exampleOf(source: string): { readonly code: string; readonly printed: string } {
  const block = /^ \* @example\n \* ```ts\n([\s\S]*?)^ \* ```$/m.exec(source)?.[1] ?? '';
  const code = block.replace(/^ \* ?/gm, '');
  const printed = [...code.matchAll(/\); \/\/ (.*)$/gm)].map(([, text]) => text);
  return { code, printed: printed.join('\n') };
}

describe('the ways in', () => {
  it('are named once for Node and once for kernels that know no exports', () => {
    expect(Object.keys(manifest.exports)).toEqual(['.', ...subPaths.map((name) => `./${name}`), './package.json']);
    expect(Object.keys(manifest.typesVersions['*'])).toEqual(subPaths);
    for (const name of subPaths) {
      const { types, default: module } = manifest.exports[`./${name}`] ?? { types: '', default: '' };
      expect(manifest.typesVersions['*'][name]).toEqual([types.slice(2)]);
      expect([types, module].filter((path) => !existsSync(join(root, path)))).toEqual([]);
    }
  });

  const examples = new Map(['', ...subPaths].map((name) => [name, exampleOf(sourceOf(name))] as const));
  const pathOf = (name: string, ending: string): string => join(folder, `${name || 'index'}.${ending}`);

  it('have examples of the right types', { timeout: 120_000 }, () => {
    for (const [name, { code }] of examples) writeFileSync(pathOf(name, 'mts'), code);
    writeFileSync(pathOf('wrong', 'mts'), "import { readModel } from 'quantlab/onnx';\nreadModel(1);");
    const paths = ['wrong', ...examples.keys()].map((name) => pathOf(name, 'mts'));
    const wrong = typeErrors(paths).map(({ file, messageText }) => [file?.fileName, messageText]);
    expect(wrong).toEqual([[pathOf('wrong', 'mts'), expect.stringMatching(/^Argument of type 'number'/)]]);
  });

  it.each([...examples])('quantlab/%s has an example that prints what it says', { timeout: 120_000 }, (...example) => {
    const [name, { code, printed }] = example;
    expect(printed).not.toBe('');
    const script = pathOf(name, 'mjs');
    writeFileSync(script, ts.transpileModule(code, { compilerOptions: { module: ts.ModuleKind.ESNext } }).outputText);
    const { stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
    expect(`${stderr}${stdout}`.trim()).toBe(printed);
  });

  it('give what a newcomer needs at the root, and no name twice in two rooms', () => {
    const namesOf = (name: string): string[] =>
      [...sourceOf(name).matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names = '']) =>
        names.split(',').flatMap((one) => one.trim().replace(/^type /, '') || []),
      );
    expect(namesOf('').length).toBeLessThanOrEqual(30);
    const all = entries.flatMap(namesOf);
    expect(all.filter((name, place) => all.indexOf(name) !== place)).toEqual([]);
  });

  it('give a word error rate that bundles to less than 20 kB, without sound and without a runtime', async () => {
    const { outputFiles, metafile } = await build({
      stdin: { contents: "export { wordErrorRate } from 'quantlab/speech';", resolveDir: folder },
      bundle: true,
      minify: true,
      platform: 'node',
      format: 'esm',
      write: false,
      metafile: true,
    });
    expect(outputFiles[0]?.contents.length).toBeLessThan(20_000);
    const [output] = Object.values(metafile.outputs);
    const used = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
    expect(used.map(([path]) => path).filter((path) => /decoder|onnxruntime|audio/.test(path))).toEqual([]);
    expect(output?.imports).toEqual([]);
  });
});
