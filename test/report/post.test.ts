import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { sha256OfBytes } from '../../src/files.js';
import { readPrices } from '../../src/measure/cost/prices.js';
import { laboratoryDataOf } from '../../src/report/post/laboratoryData.js';
import { nearDataOf } from '../../src/report/post/nearData.js';
import { postDataOf } from '../../src/report/post/postData.js';
import { writeReport } from '../../src/report/post/writeReport.js';
import { PEER_NAMES, peersFile } from '../../src/study/peers.js';
import { readInventedLaboratory, readInventedRun, writeInventedLaboratory, writeInventedRun } from './fixture.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const post = join(root, 'post');
const folder = mkdtempSync(join(tmpdir(), 'quantlab-post-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hasJekyll = spawnSync('jekyll', ['--version']).status === 0;

/** Names that have a digit and are no measured number. */
const NAMES = /DeepSpeech 2|int8|float32|eight-bit/g;

/** Prose of a post, without what is filled in, code, tags and names. */
function proseOf(text: string): string {
  return text
    .replace(/^---\n[\s\S]*?\n---\n/, '')
    .replace(/\{%[\s\S]*?%\}|\{\{[\s\S]*?\}\}/g, '')
    .replace(/```[\s\S]*?```|`[^`]*`|<[^>]*>/g, '')
    .replace(NAMES, '');
}

/** Numbers that somebody typed, with what stands around them. */
function typedNumbers(text: string): readonly string[] {
  return proseOf(text).match(/.{0,30}\d.{0,30}/g) ?? [];
}

const POST = join('_posts', '2026-11-21-does-int8-make-deepspeech-2-faster.md');
/** The post and the pages that have the rest of its numbers. */
const TEXTS = [POST, 'every-number.md', 'what-limits-speed.md', 'all-variants.md'].map(
  (file) => [file, readFileSync(join(post, file), 'utf8')] as const,
);

describe('post', () => {
  it.each(TEXTS)('types no number by hand: %s', (_, text) => {
    expect(typedNumbers(text)).toEqual([]);
  });

  it.each(TEXTS)('would be found out in any of its sections: %s', (_, text) => {
    const sections = text.split(/^(?=## )/m).slice(1);
    for (const section of sections) {
      const [title = ''] = section.split('\n');
      const typed = text.replace(section, section.replace('\n\n', '\n\nIt takes 9.53 ms. '));
      expect(typedNumbers(typed).join(), title).toContain('It takes 9.53 ms');
    }
  });

  it.each(TEXTS)('takes names that the data have: %s', async (_, text) => {
    const run = readInventedRun();
    const laboratory = readInventedLaboratory();
    const prices = await readPrices();
    const data: Readonly<Record<string, unknown>> = {
      r: { ...postDataOf(run.summary, run.summarySha256, prices), without_near_prompts: await nearDataOf(run) },
      lab: laboratoryDataOf(laboratory, prices),
      w: postDataOf(run.summary, run.summarySha256, prices),
      peers: JSON.parse(readFileSync(join(post, '_data', 'peers.json'), 'utf8')),
      s: JSON.parse(readFileSync(join(post, '_data', 'sources.json'), 'utf8')),
    };
    for (const [name, root = '', path = ''] of text.matchAll(/\b(r|lab|s|w|peers)((?:\.[a-z][a-z0-9_]*)+)/g)) {
      const inTag = new RegExp(`\\{[{%][^}]*\\b${name.replaceAll('.', '\\.')}\\b`).test(text);
      // `r.energy` is null in the invented run, which has none: what is below it cannot be looked up there.
      if (!inTag || name.startsWith('r.energy')) continue;
      let value = data[root];
      for (const key of path.slice(1).split('.')) {
        if (key === 'size' || key === 'last') break;
        value = (value as Readonly<Record<string, unknown>>)[key];
        expect(value, name).not.toBeUndefined();
        if (value === null) break;
      }
    }
  });

  it('shows every figure that there is', () => {
    const written = TEXTS.map(([, text]) => text).join('\n');
    const figures = JSON.parse(readFileSync(join(post, '_data', 'figures.json'), 'utf8')) as Readonly<
      Record<string, unknown>
    >;
    for (const name of Object.keys(figures))
      expect(written, name).toContain(`{% include figure.html name="${name}" %}`);
  });
});

/** Results that belong to the repository; a reader's own short run lies elsewhere and is not asked. */
const LATEST = join(root, 'data', 'results', 'latest');
const LABORATORY = join(root, 'data', 'results', 'laboratory');

describe('committed results', () => {
  it('are those that the post shows', () => {
    const read = (name: string): unknown => JSON.parse(readFileSync(join(post, '_data', name), 'utf8'));
    const remedy = 'run `npm run figures` and commit what it writes';
    for (const [name, run] of [
      ['results.json', LATEST],
      ['laboratory.json', LABORATORY],
    ] as const) {
      const { source } = read(name) as { source: { summary_sha256: string } };
      expect(source.summary_sha256, remedy).toBe(sha256OfBytes(readFileSync(join(run, 'summary.json'))));
    }
    const peers = read('peers.json') as Record<string, { readonly sha256: string }>;
    for (const name of PEER_NAMES) {
      expect(peers[name]?.sha256, remedy).toBe(sha256OfBytes(readFileSync(join(root, peersFile(name)))));
    }
  });
});

describe('recordings to listen to', () => {
  it('are the package’s own, each with what every condition of the committed run heard', async () => {
    const listening = JSON.parse(readFileSync(join(post, '_data', 'listening.json'), 'utf8')) as readonly {
      readonly file: string;
      readonly said: string;
      readonly heard: readonly { readonly title: string; readonly text: string; readonly is_right: boolean }[];
    }[];
    expect(listening.map(({ heard }) => heard.slice(0, 2).map(({ is_right }) => is_right))).toEqual([
      [true, true],
      [true, false],
      [false, false],
    ]);
    const observations = readFileSync(join(LATEST, 'observations.jsonl'), 'utf8');
    for (const { file, said, heard } of listening) {
      const sound = readFileSync(join(post, 'assets', 'recordings', file));
      expect(sound.equals(readFileSync(join(root, 'data', 'speech', 'audio', file)))).toBe(true);
      for (const { text, is_right } of heard) {
        expect(text === said).toBe(is_right);
        expect(observations).toContain(JSON.stringify([text]));
      }
    }
  });
});

describe('the built post', () => {
  it.skipIf(!hasJekyll)('is built by Jekyll, with every number and figure in its place', async () => {
    const tree = join(folder, 'post');
    cpSync(post, tree, { recursive: true });
    const run = join(folder, 'run');
    const laboratoryFolder = join(folder, 'laboratory');
    await writeInventedRun(run);
    await writeInventedLaboratory(laboratoryFolder);
    await writeReport(run, {
      figuresFolder: join(folder, 'figures'),
      postFolder: tree,
      laboratoryFolder,
    });
    const site = join(folder, 'site');
    const built = spawnSync('jekyll', ['build', '--source', tree, '--destination', site, '--disable-disk-cache'], {
      encoding: 'utf8',
    });
    expect(built.status, built.stderr).toBe(0);
    const pages = ['does-int8-make-deepspeech-2-faster', 'every-number', 'what-limits-speed', 'all-variants'];
    const written = pages.map((name) => readFileSync(join(site, name, 'index.html'), 'utf8'));
    const [html = '', , limits = ''] = written;
    expect(html).toContain('takes 13.2 (11.6 to 14.9) ms an utterance in the mean, CPU float32 23.6');
    expect(html).toContain('The file shrinks from 32.1 to 8.30 MB');
    expect(html).toContain('the hypothesis holds');
    expect(limits).toMatch(/By capacity the quantized model carries [\d.]+× the load on the same machine/);
    expect(html).toContain('<strong>deepspeech2-lstm, int8 dynamic</strong>');
    const all = written.join('\n');
    expect(all).not.toMatch(/<code[^>]*>quantlab laboratory<\/code> does it/);
    expect(all).not.toMatch(/\{\{|\{%|Liquid/);
    const pictures = [...all.matchAll(/<img src="\/([^"]+)"[^>]* alt="([^"]+)"/g)];
    expect(new Set(pictures.map(([, path]) => path)).size).toBe(12);
    for (const [, path = '', alt = ''] of pictures) {
      expect(existsSync(join(site, path))).toBe(true);
      expect(alt).toMatch(/\d/);
    }
    expect(html).toContain('id="markdown-toc"');
  });

  it.skipIf(!hasJekyll)('is built before anything was measured', () => {
    const tree = join(folder, 'empty');
    cpSync(post, tree, { recursive: true });
    for (const name of ['results.json', 'laboratory.json', 'figures.json', 'listening.json'])
      rmSync(join(tree, '_data', name), { force: true });
    for (const name of ['results-table.html', 'variants-table.html']) {
      rmSync(join(tree, '_includes', name), { force: true });
    }
    const site = join(folder, 'empty-site');
    const args = ['build', '--source', tree, '--destination', site, '--disable-disk-cache'];
    expect(spawnSync('jekyll', args).status).toBe(0);
    const html = readFileSync(join(site, 'does-int8-make-deepspeech-2-faster', 'index.html'), 'utf8');
    expect(html).toContain('No results are here yet');
    const missing = ['does-int8-make-deepspeech-2-faster', 'what-limits-speed', 'all-variants'].map((name) => {
      const text = readFileSync(join(site, name, 'index.html'), 'utf8');
      expect(text).not.toContain('<img');
      return text.match(/not measured[^.]*; <code[^>]*>quantlab laboratory<\/code> does it/g)?.length;
    });
    expect(missing).toEqual([4, 5, 1]);
  });
});
