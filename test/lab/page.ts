import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findBrowser } from '../../src/report/figures/browser.js';
import { READ_CELLS, type SeenCell } from './reading.js';
import type { Lab } from './server.js';

/** All cells of a notebook are within, so that nothing is left undrawn. */
const VIEWPORT = { width: 1200, height: 14_000 };
const OPEN_TIMEOUT_MS = 180_000;

/** The first cell, which imports, is over within. */
const BEGIN_TIMEOUT_MS = 120_000;

/** Opens the browser that draws the figures: installed or packaged. */
export async function openBrowser(): Promise<Browser> {
  try {
    const { executablePath, args, env } = await findBrowser();
    return await chromium.launch({ executablePath, args: [...args], env: { ...process.env, ...env } });
  } catch (error) {
    const reason = String((error as Error).message).split('\n')[0];
    throw new Error(
      `browser: a Chromium that starts was required, got none (${reason}); install one (Debian: apt install chromium) or set CHROME_PATH`,
      { cause: error },
    );
  }
}

/** A notebook that is open in JupyterLab. */
export interface LabPage {
  readonly page: Page;
  /** What went wrong in the page's scripts. */
  readonly errors: readonly string[];
  /** Where a `plotly.js` was asked for. */
  readonly plotly: readonly string[];
  read(): Promise<readonly SeenCell[]>;
  /** Restarts the kernel and runs all cells, until none runs or waits. */
  runAll(timeoutMs: number): Promise<void>;
  /** Waits until each figure is drawn, but not longer than a reader would. */
  waitForCharts(): Promise<void>;
  /** Picture of the whole notebook. */
  picture(path: string): Promise<void>;
}

/**
 * Opens a notebook as a reader does.
 *
 * @param path - seen from the server
 * @param cells - how many code cells it has
 */
export async function openNotebook(browser: Browser, lab: Lab, path: string, cells: number): Promise<LabPage> {
  const page = await browser.newPage({ viewport: VIEWPORT });
  const errors: string[] = [];
  const plotly: string[] = [];
  page.on('pageerror', ({ message }) => errors.push(message));
  page.on('request', (request) => {
    if (/plotly[^/]*\.js/.test(request.url())) plotly.push(request.url());
  });
  await page.goto(`${lab.url}doc/tree/${path}?token=${lab.token}`, { timeout: OPEN_TIMEOUT_MS });
  const isOpen = `document.querySelectorAll('.jp-Notebook .jp-CodeCell').length === ${cells} && [...document.images].every((one) => one.complete)`;
  await page.waitForFunction(isOpen, undefined, { timeout: OPEN_TIMEOUT_MS, polling: 100 });
  await page.locator('.jp-StatusBar-TextItem', { hasText: '| Idle' }).waitFor({ timeout: OPEN_TIMEOUT_MS });
  return {
    page,
    errors,
    plotly,
    read: () => page.evaluate<readonly SeenCell[]>(READ_CELLS),
    runAll: async (timeout) => {
      const prompts = (test: string): string =>
        `[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].some(({ textContent }) => ${test})`;
      for (const isAgain of [false, true]) {
        await page.locator('.lm-MenuBar-item', { hasText: 'Kernel' }).click();
        await page.locator('.lm-Menu-item', { hasText: 'Restart Kernel and Run All Cells' }).click();
        await page.locator('.jp-Dialog .jp-mod-accept').click();
        await page.waitForFunction(prompts("textContent.includes('*')"), undefined, { timeout: OPEN_TIMEOUT_MS });
        // A kernel that is asked while it starts may lose the question; a person would restart it again.
        const hasBegun = page.waitForFunction(prompts("!textContent.includes('*')"), undefined, {
          timeout: isAgain ? timeout : BEGIN_TIMEOUT_MS,
        });
        if (
          await hasBegun.then(
            () => true,
            () => false,
          )
        )
          break;
      }
      const isDone = `!${prompts("textContent.includes('*')")}`;
      await page.waitForFunction(isDone, undefined, { timeout, polling: 200 }).catch(() => undefined);
    },
    waitForCharts: async () => {
      const drawn = `[...document.querySelectorAll('figure[class^="quantlab-"]')].every((one) => one.querySelector('svg.main-svg'))`;
      await page.waitForFunction(drawn, undefined, { timeout: 60_000 }).catch(() => undefined);
    },
    picture: async (file) => {
      await mkdir(join(file, '..'), { recursive: true });
      const bottom = await page.evaluate<number>(
        `Math.max(0, ...[...document.querySelectorAll('.jp-Notebook .jp-Cell')].map((cell) => cell.getBoundingClientRect().bottom))`,
      );
      const height = Math.ceil(Math.min(VIEWPORT.height, bottom > 0 ? bottom + 20 : 900));
      await page.screenshot({ path: file, clip: { x: 0, y: 0, width: VIEWPORT.width, height } });
    },
  };
}

/**
 * Presses Shift+Tab on a word of a code cell.
 *
 * @returns text of the tooltip that JupyterLab opens
 */
export async function readTooltip({ page }: LabPage, word: string): Promise<string> {
  const place = await page.evaluate<{ x: number; y: number } | null>(
    `(() => {
      const texts = document.createTreeWalker(document.querySelector('.jp-Notebook .jp-CodeCell .cm-content'), NodeFilter.SHOW_TEXT);
      for (let node = texts.nextNode(); node; node = texts.nextNode()) {
        const at = node.data.indexOf(${JSON.stringify(word)});
        if (at < 0) continue;
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + ${word.length});
        const { x, y, width, height } = range.getBoundingClientRect();
        return { x: x + width / 2, y: y + height / 2 };
      }
      return null;
    })()`,
  );
  if (place === null) throw new Error(`first code cell: ${word} was required, got none`);
  await page.mouse.click(place.x, place.y);
  await page.keyboard.press('Shift+Tab');
  const tooltip = page.locator('.jp-Tooltip');
  await tooltip.waitFor({ timeout: 60_000 });
  const text = (await tooltip.textContent()) ?? '';
  await page.keyboard.press('Escape');
  return text;
}
