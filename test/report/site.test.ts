import { spawnSync } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findBrowser } from '../../src/report/figures/browser.js';
import { plotlyPath } from '../../src/report/figures/export.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const post = join(root, 'post');
const site = mkdtempSync(join(tmpdir(), 'quantlab-site-'));
const hasJekyll = spawnSync('jekyll', ['--version']).status === 0;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

/** Serves the built site; Plotly comes from its package, unminified. */
function serve(): Server {
  return createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://site').pathname));
    const wanted =
      path === '/assets/plotly.js' ? plotlyPath() : join(site, path.endsWith('/') ? `${path}index.html` : path);
    if (!(existsSync(wanted) && statSync(wanted).isFile())) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': types[extname(wanted)] ?? 'application/octet-stream' });
    createReadStream(wanted).pipe(response);
  });
}

const server = serve();
let browser: Browser | undefined;
let origin = '';

let referred: { readonly status: number | null; readonly said: string };

beforeAll(async () => {
  const typedoc = [join(root, 'node_modules', 'typedoc', 'bin', 'typedoc'), '--out', join(site, 'reference')];
  const { status, stdout, stderr } = spawnSync(process.execPath, typedoc, { cwd: root, encoding: 'utf8' });
  referred = { status, said: stdout + stderr };
  if (!hasJekyll) return;
  const built = spawnSync('jekyll', ['build', '--source', post, '--destination', site, '--disable-disk-cache'], {
    encoding: 'utf8',
  });
  expect(built.status, built.stderr).toBe(0);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { executablePath, args, env } = await findBrowser();
  browser = await chromium.launch({ executablePath, args: [...args], env: { ...process.env, ...env } });
}, 300_000);

afterAll(async () => {
  await browser?.close();
  server.closeAllConnections();
  server.close();
  rmSync(site, { recursive: true, force: true });
});

const pages = [
  '/',
  '/does-int8-make-deepspeech-2-faster/',
  '/every-number/',
  '/what-limits-speed/',
  '/all-variants/',
  '/how-to-read-the-numbers/',
  '/use-it-on-your-own-model/',
  '/the-service/',
  '/deploy/',
];

describe.skipIf(!hasJekyll).each([
  ['a desk', { width: 1100, height: 900 }, 'light'],
  ['a phone', { width: 390, height: 844 }, 'dark'],
] as const)('the site at the width of %s', (_, viewport, colorScheme) => {
  it.each(pages)('%s: no errors, no layout breaks, accessible', async (path) => {
    const page = await (browser as Browser).newPage({ viewport, colorScheme });
    try {
      const trouble: string[] = [];
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) trouble.push(message.text());
      });
      page.on('pageerror', (error) => trouble.push(error.message));
      page.on('response', (answer) => {
        if (answer.status() >= 400) trouble.push(`${answer.status()} ${answer.url()}`);
      });
      await page.goto(origin + path);
      const tooWide = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
      expect(tooWide).toBeLessThanOrEqual(0);
      await page.evaluate(axe);
      const violations = await page.evaluate<readonly { id: string; nodes: readonly { html: string }[] }[]>(
        'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => ({ html })) })))',
      );
      expect(violations).toEqual([]);
      expect(trouble).toEqual([]);
    } finally {
      await page.close();
    }
  });

  it('a colleague reads the post in ten minutes: at most 2,000 words beside what is folded, and seven figures', async () => {
    const page = await (browser as Browser).newPage({ viewport, colorScheme });
    try {
      await page.goto(`${origin}/does-int8-make-deepspeech-2-faster/`);
      const words = await page.evaluate<number>(
        "(() => { const text = document.querySelector('article').cloneNode(true); for (const part of text.querySelectorAll('details, figure')) part.remove(); return text.textContent.trim().split(/\\s+/).length; })()",
      );
      expect(words).toBeGreaterThan(500);
      expect(words).toBeLessThanOrEqual(2000);
      expect(await page.locator('figure[data-name]').count()).toBeLessThanOrEqual(7);
    } finally {
      await page.close();
    }
  });

  it('draws a figure when its button is pressed', async () => {
    const page = await (browser as Browser).newPage({ viewport, colorScheme });
    try {
      await page.goto(`${origin}/does-int8-make-deepspeech-2-faster/`);
      const figures = page.locator('figure[data-name]');
      const count = await figures.count();
      expect(count).toBeGreaterThanOrEqual(4);
      await page.getByRole('button', { name: 'Explore the numbers' }).first().click();
      await figures.first().locator('svg.main-svg').first().waitFor({ timeout: 30_000 });
      expect(await page.getByRole('button', { name: 'Explore the numbers' }).count()).toBe(count - 1);
      const tooWide = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
      expect(tooWide).toBeLessThanOrEqual(0);
    } finally {
      await page.close();
    }
  });
});

describe('the reference', () => {
  it('is written without a warning: every export has a comment, every link of it leads somewhere', () => {
    expect(referred.status, referred.said).toBe(0);
  });
});

describe.skipIf(!hasJekyll)('links of the site', () => {
  it('lead to places that are there', async () => {
    const page = await (browser as Browser).newPage();
    try {
      for (const path of pages) {
        await page.goto(origin + path);
        const links = await page.evaluate<readonly string[]>(
          "[...document.querySelectorAll('a[href]')].map((a) => a.href)",
        );
        for (const link of links.filter((one) => one.startsWith(origin))) {
          const { pathname, hash } = new URL(link);
          const target = join(site, pathname.endsWith('/') ? `${pathname}index.html` : pathname);
          expect(existsSync(target), link).toBe(true);
          if (hash) expect(readFileSync(target, 'utf8'), link).toContain(`id="${hash.slice(1)}"`);
        }
        expect(links.filter((one) => !/^(https:|http:\/\/127\.0\.0\.1)/.test(one))).toEqual([]);
      }
    } finally {
      await page.close();
    }
  });

  it('go from the first page to a reference by ways in, divided by the folders that names come from', () => {
    expect(readFileSync(join(site, 'index.html'), 'utf8')).toContain('href="/reference/"');
    const [first, speech] = ['index.html', 'modules/quantlab_speech.html'].map((path) =>
      readFileSync(join(site, 'reference', path), 'utf8'),
    );
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: object };
    for (const way of Object.keys(exports).filter((name) => name.startsWith('./') && !name.endsWith('.json'))) {
      expect(first).toContain(`modules/${way.replace('./', 'quantlab_')}.html`);
    }
    // Each stands there twice: in the page, and in its list of contents.
    const found = [...(speech?.matchAll(/<summary[^>]*data-key="section-([^"]+)"/g) ?? [])].map(([, name]) => name);
    expect([...new Set(found)]).toEqual(['Audio', 'Corpora', 'Decode', 'Features', 'Language model', 'Speech', 'Text']);
  });
});
