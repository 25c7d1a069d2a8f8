import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { UnavailableError } from '../../errors.js';
import { type FindBrowserOptions, findBrowser } from './browser.js';
import type { Figure, PlotlySpec, Scheme } from './figure.js';
import { shrinkPng } from './pngSize.js';
import { normaliseSvg } from './svg.js';
import { withScheme } from './theme.js';

/** Draws figures in a headless browser; close it when done. */
export interface FigureExporter {
  /** Scalable picture, with title and description for screen readers; the same figure gives the same text. */
  svg(figure: Figure, scheme?: Scheme): Promise<string>;
  /** Pixels, two for each CSS pixel. */
  png(figure: Figure, scheme?: Scheme): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Path of the `plotly.js` file of the package `plotly.js-dist`. */
export function plotlyPath(): string {
  try {
    return createRequire(import.meta.url).resolve('plotly.js-dist/plotly.js');
  } catch (error) {
    throw new UnavailableError('plotly.js-dist: the package was required, got none; run npm install plotly.js-dist', {
      cause: error,
    });
  }
}

/** Pixels of a PNG for each CSS pixel: sharp where the README shows it, and half as large as with two. */
const PNG_SCALE = 1.5;

/**
 * Opens a headless browser with Plotly in it.
 *
 * @param options - where to look for the browser
 * @returns an exporter that must be closed
 * @throws {UnavailableError} when a package or a browser is missing, or the browser does not start
 */
export async function openExporter(options: FindBrowserOptions = {}): Promise<FigureExporter> {
  const { browser, page } = await openPage(options);
  return {
    svg: async (figure, scheme = 'light') => {
      const url = await draw(page, withScheme(figure.spec, scheme), figure, { format: 'svg', scale: 1 });
      return normaliseSvg(decodeURIComponent(url.slice(url.indexOf(',') + 1)), figure, scheme);
    },
    png: async (figure, scheme = 'light') => {
      const url = await draw(page, withScheme(figure.spec, scheme), figure, { format: 'png', scale: PNG_SCALE });
      return shrinkPng(Buffer.from(url.slice(url.indexOf(',') + 1), 'base64'));
    },
    close: () => browser.close(),
  };
}

async function openPage(options: FindBrowserOptions): Promise<{ browser: Browser; page: Page }> {
  const plotly = plotlyPath();
  const { chromium } = await import('playwright-core').catch((error: unknown) => {
    throw new UnavailableError('playwright-core: the package was required, got none; run npm install playwright-core', {
      cause: error,
    });
  });
  const { executablePath, args, env } = await findBrowser(options);
  const browser = await chromium
    .launch({ executablePath, args: [...args], env: { ...definedOf(process.env), ...env } })
    .catch((error: unknown) => {
      const reason = String((error as Error).message).split('\n')[0];
      const state = existsSync(executablePath) ? 'one that does not start' : 'no such file';
      throw new UnavailableError(
        `browser ${executablePath}: one that starts was required, got ${state} (${reason}); set CHROME_PATH to another`,
        { cause: error },
      );
    });
  try {
    const page = await browser.newPage();
    await page.setContent('<!doctype html><html lang="en"><body></body></html>');
    await page.addScriptTag({ path: plotly });
    return { browser, page };
  } catch (error) {
    await browser.close();
    throw error;
  }
}

interface ImageOptions {
  readonly format: 'svg' | 'png';
  readonly scale: number;
}

/** The function given to `evaluate` runs in the page; the spec travels as text, for Playwright's types are lost in nested JSON. */
async function draw(page: Page, spec: PlotlySpec, size: Figure, image: ImageOptions): Promise<string> {
  const options = { ...image, width: size.width, height: size.height };
  return page.evaluate(
    (text) => {
      const [drawn, imageOptions] = JSON.parse(text) as readonly [unknown, unknown];
      const { Plotly } = globalThis as unknown as {
        Plotly: { toImage(spec: unknown, options: unknown): Promise<string> };
      };
      return Plotly.toImage(drawn, imageOptions);
    },
    JSON.stringify([spec, options]),
  );
}

function definedOf(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined));
}
