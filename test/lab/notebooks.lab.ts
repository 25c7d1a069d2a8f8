import { copyFile, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cell, cellsOf, codeOf, NAMES, NOTEBOOKS } from '../notebook/cells.js';
import { type LabPage, openBrowser, openNotebook, readTooltip } from './page.js';
import { findMissing, findMissingUntrusted } from './reading.js';
import { type Lab, startLab } from './server.js';

const python = process.env['QUANTLAB_LAB_PYTHON'];
if (!python) throw new Error('QUANTLAB_LAB_PYTHON: an environment was required, got none; run npm run test:lab');
const wanted = (process.env['QUANTLAB_LAB_NOTEBOOKS'] ?? '').split(' ').filter((each) => each !== '');
const chosen = NAMES.filter((name) => wanted.length === 0 || wanted.includes(name.slice(0, 2)));
const pictures = process.env['QUANTLAB_LAB_SCREENSHOTS'];

/** The short form, unless the environment says otherwise. */
process.env['QUANTLAB_TRIALS'] ??= '12';
process.env['QUANTLAB_UTTERANCES'] ??= '24';
const RUN_TIMEOUT_MS = 700_000;

let lab: Lab;
let browser: Browser;
let failures: string | undefined;

beforeAll(async () => {
  browser = await openBrowser();
  lab = await startLab(python);
});

afterAll(async () => {
  await browser?.close();
  await lab?.stop();
});

/** Fails with all that was found, and leaves a picture. */
async function hold(open: LabPage, name: string, found: readonly string[]): Promise<void> {
  if (found.length === 0) return;
  failures ??= pictures ? resolve(pictures) : await mkdtemp(join(tmpdir(), 'quantlab-lab-failed-'));
  const file = join(failures, name.replace('.ipynb', '-failed.png'));
  await open.picture(file);
  throw new Error(`${found.map((each) => `${name}, ${each}`).join('\n')}\nSee ${file}`);
}

describe.each(chosen)('%s', (name) => {
  const code = codeOf(cellsOf(join(NOTEBOOKS, name)));
  const hasFigures = code.some((cell) => JSON.stringify(cell.outputs ?? []).includes('quantlab-'));
  let open: LabPage;

  const run = async (): Promise<void> => {
    await open.runAll(RUN_TIMEOUT_MS);
    await open.waitForCharts();
    const found = [...findMissing(code, await open.read())];
    found.push(...open.errors.map((each) => `page: no error was required, got ${each}`));
    const loaded = open.plotly.filter((url) => url.startsWith(lab.url));
    if (open.plotly.length !== Number(hasFigures) || loaded.length !== open.plotly.length) {
      found.push(
        `page: plotly.js once from the server's own files was required, got ${open.plotly.join(', ') || 'none'}`,
      );
    }
    await hold(open, name, found);
  };

  beforeAll(async () => {
    await copyFile(join(NOTEBOOKS, name), join(lab.copies, name));
    open = await openNotebook(browser, lab, `${lab.copiesPath}/${name}`, code.length);
  });

  afterAll(async () => {
    await open?.page.close();
    await lab.endKernels();
  });

  it('shows every output before it is trusted or run, and runs no script', async () => {
    const found = [...findMissingUntrusted(code, await open.read())];
    if (open.plotly.length > 0) found.push(`page: no plotly.js was required, got ${open.plotly.join(', ')}`);
    await hold(open, name, found);
  });

  it('runs from its first cell to its last', async () => {
    await run();
    if (pictures) await open.picture(join(resolve(pictures), name.replace('.ipynb', '.png')));
  });

  // The second measures nothing: it takes least to run twice, and has figures of its own.
  if (name.startsWith('02')) it('runs again, restarted', run);
  if (!name.startsWith('01')) return;

  it.each([
    ['showTable', 'tidy HTML in a notebook'],
    ['showProgress', 'Opens a progress bar in the notebook'],
    ['runExperiment', '@param'],
  ])('helps with %s where it is imported', async (word, documentation) => {
    const text = await readTooltip(open, word);
    await hold(
      open,
      name,
      text.includes(documentation) ? [] : [`cell 1: “${documentation}” in the help was required, got “${text}”`],
    );
  });
});

/** Opens a notebook of these cells. */
async function openCells(name: string, lines: readonly string[]): Promise<{ open: LabPage; cells: readonly Cell[] }> {
  const cells: Cell[] = lines.map((source) => ({ cell_type: 'code', source, outputs: [] }));
  const whole = cells.map((cell, place) => ({ ...cell, id: `cell-${place}`, metadata: {}, execution_count: null }));
  const kernelspec = { name: 'tslab', display_name: 'TypeScript', language: 'typescript' };
  const notebook = { cells: whole, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 };
  await writeFile(join(lab.copies, name), JSON.stringify(notebook));
  return { open: await openNotebook(browser, lab, `${lab.copiesPath}/${name}`, cells.length), cells };
}

describe('the kernel', () => {
  it('knows constants of earlier cells in shorthand, and is busy while a cell runs', async () => {
    const { open } = await openCells('kernel.ipynb', [
      'const name = 5, other = { inner: 1 };',
      'let inner = 0; ({ inner } = other);',
      "const taken = { name, 'in a string': '{ name }', f: ({ name }: { name: number }) => ({ name }) };",
      'console.log(JSON.stringify(taken), taken.f({ name: 3 }).name, inner);',
      'await new Promise((end) => setTimeout(end, 8000)); const after = 1;',
    ]);
    const run = open.runAll(RUN_TIMEOUT_MS);
    const output = open.page.locator('.jp-CodeCell .jp-OutputArea-output', { hasText: '"name":5' });
    await output.waitFor();
    // Help is asked for in the midst of it; the kernel answers when it can.
    await readTooltip(open, 'name');
    const last = open.page.locator('.jp-CodeCell .jp-InputPrompt').nth(4);
    const status = open.page.locator('.jp-StatusBar-TextItem', { hasText: '| ' });
    const seen = [await last.textContent(), await status.textContent()];
    await run;
    const text = await output.textContent();
    await open.page.close();
    await lab.endKernels();
    expect(seen).toEqual([expect.stringContaining('*'), expect.stringContaining('| Busy')]);
    expect(text?.trim()).toBe('{"name":5,"in a string":"{ name }"} 3 1');
  });
});

describe('the check itself', () => {
  it('names the cell that fails and what is missing', async () => {
    const lines = [
      "import { showProgress, showTable } from 'quantlab/notebook';",
      "await showTable({ title: 'Ragged', columns: ['a', 'b'], rows: [['1', '2'], ['3']], notes: [] });",
      "(await showProgress())({ done: 1, total: 2, label: 'half' });",
      "throw new Error('on purpose');",
      'console.log(5)',
    ];
    const { open, cells } = await openCells('broken.ipynb', lines);
    await open.runAll(RUN_TIMEOUT_MS);
    const found = findMissing(cells, await open.read());
    await open.page.close();
    await lab.endKernels();
    expect(found.map((each) => each.slice(0, 60))).toEqual([
      expect.stringContaining('cell 2: rows of the same length was required, got 2, 1'),
      expect.stringContaining('cell 3: a progress bar at its end was required, got 1 of 2'),
      expect.stringContaining('cell 4: no error was required'),
      expect.stringContaining('cell 5: the number 5 was required, got [ ]'),
    ]);
  });
});
