import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { sha256OfBytes } from '../../src/files.js';
import { writeReport } from '../../src/report/writeReport.js';
import { RUN_FOLDER } from './fixture.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const post = join(root, 'post');
const folder = mkdtempSync(join(tmpdir(), 'quantlab-post-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hasJekyll = spawnSync('jekyll', ['--version']).status === 0;

/** Names that have a digit and are no measured number. */
const NAMES = /DeepSpeech 2|int8|float32|eight-bit/g;

function proseOf(file: string): string {
  const text = readFileSync(join(post, '_posts', file), 'utf8');
  return text
    .replace(/^---\n[\s\S]*?\n---\n/, '')
    .replace(/\{%[\s\S]*?%\}|\{\{[\s\S]*?\}\}/g, '')
    .replace(/```[\s\S]*?```|`[^`]*`|<[^>]*>/g, '')
    .replace(NAMES, '');
}

describe('post', () => {
  it.each(readdirSync(join(post, '_posts')))('types no number by hand: %s', (file) => {
    expect(proseOf(file).match(/.{0,30}\d.{0,30}/g)).toBeNull();
  });

  it('shows the numbers of the committed results, not older ones', () => {
    const summary = join(root, 'data', 'results', 'latest', 'summary.json');
    const data = join(post, '_data', 'results.json');
    if (!existsSync(data)) return;
    const { source } = JSON.parse(readFileSync(data, 'utf8')) as { source: { summary_sha256: string } };
    expect(source.summary_sha256, 'run `quantlab report` and commit what it writes').toBe(
      sha256OfBytes(readFileSync(summary)),
    );
  });

  it.skipIf(!hasJekyll)('is built by Jekyll, with every number and figure in its place', async () => {
    const tree = join(folder, 'post');
    cpSync(post, tree, { recursive: true });
    await writeReport(copyOfRun(), { figuresFolder: join(folder, 'figures'), postFolder: tree });
    const site = join(folder, 'site');
    const built = spawnSync('jekyll', ['build', '--source', tree, '--destination', site, '--disable-disk-cache'], {
      encoding: 'utf8',
    });
    expect(built.status, built.stderr).toBe(0);
    const html = readFileSync(join(site, 'does-int8-make-deepspeech-2-faster', 'index.html'), 'utf8');
    expect(html).toContain('takes 11.8 (11.1 to 12.5) ms an utterance in the mean, CPU float32 25.7');
    expect(html).toContain('The file shrinks from 32.1 to 8.30 MB');
    expect(html).toContain('the hypothesis holds');
    expect(html).not.toMatch(/\{\{|\{%|Liquid/);
    const pictures = [...html.matchAll(/<img src="\/([^"]+)"[^>]* alt="([^"]+)"/g)];
    expect(pictures).toHaveLength(4);
    for (const [, path = '', alt = ''] of pictures) {
      expect(existsSync(join(site, path))).toBe(true);
      expect(alt).toMatch(/\d/);
    }
    expect(html).toContain('id="markdown-toc"');
  });

  it.skipIf(!hasJekyll)('is built before anything was measured', () => {
    const tree = join(folder, 'empty');
    cpSync(post, tree, { recursive: true });
    for (const name of ['results.json', 'figures.json']) rmSync(join(tree, '_data', name), { force: true });
    rmSync(join(tree, '_includes', 'results-table.html'), { force: true });
    const site = join(folder, 'empty-site');
    const args = ['build', '--source', tree, '--destination', site, '--disable-disk-cache'];
    expect(spawnSync('jekyll', args).status).toBe(0);
    const html = readFileSync(join(site, 'does-int8-make-deepspeech-2-faster', 'index.html'), 'utf8');
    expect(html).toContain('No results are here yet');
    expect(html).not.toContain('<img');
  });
});

function copyOfRun(): string {
  const copy = join(folder, 'run');
  cpSync(RUN_FOLDER, copy, { recursive: true });
  return copy;
}
