import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UnavailableError } from '../../../src/errors.js';
import { findBrowser } from '../../../src/report/figures/browser.js';
import { type FigureExporter, openExporter } from '../../../src/report/figures/export.js';
import { buildFigures } from '../../../src/report/figures/figures.js';
import { normaliseSvg } from '../../../src/report/figures/svg.js';
import { readInventedRun } from '../fixture.js';

const { summary, observations } = readInventedRun();
const figures = buildFigures(summary, observations);
const [, first, , size] = figures;
if (!first || !size) throw new Error('the figures of the report were required');
const cache = mkdtempSync(join(tmpdir(), 'quantlab-browser-'));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

const isPackagedHere = process.platform === 'linux' && process.arch === 'x64';

describe('export', () => {
  // The binary inside the npm package, unpacked anew: what a machine without a browser uses.
  it.skipIf(!isPackagedHere)('draws in the packaged browser, each time the same bytes', async () => {
    const exporter = await openExporter({ source: 'packaged', env: { ...process.env, QUANTLAB_CACHE: cache } });
    try {
      const svg = await exporter.svg(first);
      await exporter.svg(size);
      expect(await exporter.svg(first)).toBe(svg);
      expect(svg).toMatch(
        /^<svg[^>]* role="img"><title>CPU int8 dynamic is \S+ times as fast as CPU float32<\/title><desc>Distribution/,
      );
      expect(svg).toContain('CPU int8 dynamic');
      expect(await exporter.svg(first, 'dark')).not.toBe(svg);
      await checkTextIsDrawn(exporter);
    } finally {
      await exporter.close();
    }
  });

  it('says what to do when no browser is there', async () => {
    await expect(findBrowser({ source: 'installed', env: { PATH: cache } })).rejects.toThrow(UnavailableError);
    await expect(findBrowser({ env: { CHROME_PATH: join(cache, 'none') } })).rejects.toThrow(
      /CHROME_PATH: .*none; correct/,
    );
  });

  it('says so when the browser does not start', async () => {
    await expect(openExporter({ env: { CHROME_PATH: process.execPath } })).rejects.toThrow(UnavailableError);
  });

  it('removes what is random from an SVG', () => {
    const draw = (id: string, attributes: string): string =>
      normaliseSvg(`<svg ${attributes}><defs id="defs-${id}"/><a id="clip${id}x" style=""/></svg>`, first, 'light');
    expect(draw('1a2b3c', 'width="2" height="1"')).toBe(draw('9f8e7d', 'height="1" width="2"'));
  });
});

/** A browser without fonts draws no glyph: the figure with its words must then be as small as the one without. */
async function checkTextIsDrawn(exporter: FigureExporter): Promise<void> {
  if (!size) return;
  const blank = { ...size.spec.layout, title: { text: '' }, font: { color: 'rgba(0,0,0,0)' } };
  const words = await exporter.png(size);
  const none = await exporter.png({
    ...size,
    spec: { ...size.spec, layout: { ...blank, xaxis: { visible: false }, yaxis: { visible: false } } },
  });
  expect(words.length).toBeGreaterThan(2 * none.length);
}
