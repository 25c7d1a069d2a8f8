// What each place must show: GitHub Flavored Markdown 0.29 (2.4 backslash escapes, 6.2 entities), kramdown 2 (entities), HTML Living Standard.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import {
  escapeKramdown,
  escapeLiquid,
  escapeMarkdown,
  escapePlotly,
  escapeTerminal,
  escapeXml,
} from '../../src/report/escape.js';
import { withAnswer } from '../../src/report/post/readmeAnswer.js';
import { writeReport } from '../../src/report/post/writeReport.js';
import type { RunRecord } from '../../src/study/schema.js';
import { writeInventedLaboratory, writeInventedRun } from './fixture.js';

const post = fileURLToPath(new URL('../../post', import.meta.url));
const hasJekyll = spawnSync('jekyll', ['--version']).status === 0;
const folder = mkdtempSync(join(tmpdir(), 'quantlab-hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Titles that some place would obey. */
const TITLES = [
  '<script>alert(1)</script> {{7|times:6000006}} {% raw %}',
  '[a](javascript:alert(2)) | *b* `c` _d_ ~~e~~ ![f](x) $$g$$ {:.h onclick=i}',
  '"><img src=x onerror=alert(3)> &lt;b&gt; </td><!-- /answer --> == -- ...',
] as const;

/** The run with hostile titles, reasons, processor and models. */
function hostile(run: RunRecord): RunRecord {
  const title = (place: number): string => TITLES[place % TITLES.length] as string;
  return {
    ...run,
    environment: { ...run.environment, cpu: `CPU ${TITLES[0]}` },
    conditions: run.conditions.map((condition, place) => ({ ...condition, title: title(place) })),
    outcomes: Object.fromEntries(
      Object.entries(run.outcomes).map(([id, outcome]) => [
        id,
        outcome.status === 'measured' ? outcome : { ...outcome, reason: TITLES[1] },
      ]),
    ),
  };
}

/** Text as a reader of a page sees it. */
function textOf(html: string): string {
  return html
    .replace(/<[^>]*>/g, '')
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&');
}

describe('escaping', () => {
  it('gives each place what it shows as the text', () => {
    const text = '<a href="x">\'{{y}}\'</a> & &lt;';
    expect(escapeXml(text)).toBe('&lt;a href=&quot;x&quot;&gt;&#39;{{y}}&#39;&lt;/a&gt; &amp; &amp;lt;');
    expect(escapeLiquid(escapeXml('{{y}}{%z%}'))).toBe('&#123;&#123;y&#125;&#125;&#123;%z%&#125;');
    expect(escapeKramdown('a *b* $5 $$x$$ -- 3')).toBe('a &#42;b&#42; $5 &#36;$x&#36;$ &#45;&#45; 3');
    expect(escapeKramdown('- a')).toBe('&#45; a');
    expect(escapeKramdown('12. a')).toBe('12&#46; a');
    expect(escapeKramdown('12.5 (11.8 to 13.2), +0.61 − 1.93×')).toBe('12.5 (11.8 to 13.2), +0.61 − 1.93×');
    expect(escapeMarkdown('a|b [c](d) `e` *f* _g_ h_i <j> \\')).toBe(
      'a\\|b \\[c\\](d) \\`e\\` \\*f\\* \\_g\\_ h_i &lt;j&gt; \\\\',
    );
    expect(escapePlotly('<b>a</b><br>b<extra></extra>')).toBe('<b>a</b><br>b<extra></extra>');
    expect(escapePlotly('<a href="x">&lt;</a><script>')).toBe('&lt;a href="x">&amp;lt;&lt;/a>&lt;script>');
  });

  it('lets through no character that nobody sees', () => {
    const unseen = 'a\u001b[2J\u009b1m\u0000b\r\nc\u202ed\ud800';
    for (const clean of [escapeXml, escapeKramdown, escapeMarkdown]) {
      expect(clean(unseen)).toBe(
        'a [2J 1m b  c d '.replaceAll('[', clean === escapeKramdown ? '&#91;' : clean === escapeMarkdown ? '\\[' : '['),
      );
    }
    expect(escapeTerminal(unseen)).toBe('a\\u001b[2J\\u009b1m\\u0000b\\u000d\nc\\u202ed\\ud800');
    expect(JSON.parse(escapeTerminal(JSON.stringify({ text: unseen })))).toEqual({ text: unseen });
    expect(escapeTerminal('שלום\u200f 🎉\t')).toBe('שלום\u200f 🎉\t');
  });

  it('keeps an answer in its place in the README', () => {
    const readme = 'a\n<!-- answer -->\nold\n<!-- /answer -->\nb\n';
    const once = withAnswer(readme, `$& ${TITLES[2]}`);
    expect(withAnswer(once, 'new')).toBe(readme.replace('old', 'new'));
    expect(once).not.toMatch(/<img/);
  });
});

describe('a report of a hostile plan', () => {
  it.skipIf(!hasJekyll)(
    'shows every title as it is, and obeys none, on the built site (skipped without Jekyll)',
    async () => {
      const run = join(folder, 'run');
      const laboratoryFolder = join(folder, 'laboratory');
      await writeInventedRun(run, hostile);
      await writeInventedLaboratory(laboratoryFolder, hostile);
      const tree = join(folder, 'post');
      cpSync(post, tree, { recursive: true });
      const readme = 'before\n<!-- answer -->\n<!-- /answer -->\nafter\n';
      writeFileSync(join(folder, 'README.md'), readme);
      const browser = { source: 'installed', env: { PATH: '' } } as const;
      await writeReport(run, { figuresFolder: join(folder, 'figures'), postFolder: tree, laboratoryFolder, browser });
      const site = join(folder, 'site');
      const built = spawnSync('jekyll', ['build', '--source', tree, '--destination', site, '--disable-disk-cache'], {
        encoding: 'utf8',
      });
      expect(built.status, built.stderr).toBe(0);
      const texts: string[] = [];
      for (const page of ['does-int8-make-deepspeech-2-faster', 'every-number', 'what-limits-speed', 'all-variants']) {
        const html = readFileSync(join(site, page, 'index.html'), 'utf8');
        expect(html).not.toContain('42000036');
        expect(html.match(/<script/g)).toHaveLength(1);
        expect(html).not.toMatch(/<img src="?x|href="javascript|onclick="i|<em>b|<del>|<s>e/i);
        expect(html.replace(/"[^"]*"/g, '""')).not.toMatch(/<[^>]*\son\w+=/);
        texts.push(textOf(html));
      }
      const text = texts.join('\n');
      for (const title of TITLES) {
        // At the least in the table, the sentence of the costs, and the answer or the gap.
        expect(text.split(title).length - 1, title).toBeGreaterThanOrEqual(3);
      }
      const markdown = readFileSync(join(run, 'table.md'), 'utf8').split('\n');
      const bars = (line = ''): number => line.replace(/\\./g, '').split('|').length;
      for (const line of markdown.slice(0, 20)) expect(bars(line), line).toBe(bars(markdown[1]));
      expect(markdown.join('\n')).not.toMatch(/<script|<img|(?<!\\)\[a/);
      for (const name of ['01-latency', '12-variants']) {
        const spec = JSON.parse(readFileSync(join(folder, 'figures', `${name}.json`), 'utf8'));
        expect(JSON.stringify([spec.data, spec.layout]), name).not.toMatch(/<script|<img|<\/td/);
      }
    },
    120_000,
  );
});
