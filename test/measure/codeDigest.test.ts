import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformWithEsbuild } from 'vite';
import { afterAll, describe, expect, it } from 'vitest';
import { codeDigest, withoutComments } from '../../src/measure/codeDigest.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-digest-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** JavaScript as esbuild prints it: without comments, in one form. */
async function compiled(source: string): Promise<string> {
  return (
    await transformWithEsbuild(source, 'module.ts', { sourcemap: false, minifyWhitespace: true, legalComments: 'none' })
  ).code;
}

describe('withoutComments', () => {
  it.each([
    ['const a = 1; // one\n', 'const a=1;'],
    ['/** Says why. */\nfunction f(/* x */ b) {\n  return b;\n}', 'function f(b){return b;}'],
    ["const url = 'http://x'; const re = /\\/\\/'[/]/g; // gone", "const url='http://x';const re=/\\/\\/'[/]/g;"],
    ['const t = `// kept  as it is`;', 'const t=`// kept  as it is`;'],
    ['a / b / c', 'a/b/c'],
  ])('%j', (source, expected) => expect(withoutComments(source)).toBe(expected));

  it.each(['compress', 'experiment', 'measure', 'model', 'onnx', 'speech'])(
    'takes out nothing that esbuild sees, of any module of %s',
    async (room) => {
      const folder = fileURLToPath(new URL(`../../src/${room}`, import.meta.url));
      for (const name of readdirSync(folder, { recursive: true }).map(String)) {
        if (!name.endsWith('.ts') || name.endsWith('.d.ts')) continue;
        const source = readFileSync(join(folder, name), 'utf8');
        expect(await compiled(withoutComments(source)), name).toBe(await compiled(source));
      }
    },
  );
});

describe('codeDigest', () => {
  const files = {
    'room/entry.js': "import { b } from '../other/b.js';\nexport const worker = './worker.js';\nb(1);\n",
    'room/worker.js': 'run(2);\n',
    'other/b.js': "import { readFile } from 'node:fs';\nexport const b = (x) => x;\n",
    'other/unused.js': 'export const c = 3;\n',
  };

  it('follows imports and programs, and nothing else', () => {
    write(files);
    const first = codeDigest('room/entry.js', folder);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    write({ 'other/unused.js': 'export const c = 4;\n' });
    expect(codeDigest('room/entry.js', folder)).toBe(first);
    for (const name of ['room/entry.js', 'room/worker.js', 'other/b.js'] as const) {
      write({ [name]: `${files[name]}more();\n` });
      expect(codeDigest('room/entry.js', folder), name).not.toBe(first);
      write({ [name]: `// Says why.\n${files[name].replaceAll('\n', '\n\n')}` });
      expect(codeDigest('room/entry.js', folder), name).toBe(first);
    }
  });

  it('knows nothing where there is no build', () => {
    expect(codeDigest('room/entry.js', join(folder, 'nowhere'))).toBeNull();
  });
});
