import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../files.js';
import type { FindBrowserOptions } from './browser.js';
import type { DataTable } from './dataTable.js';
import type { Figure, JsonObject } from './figure.js';
import { buildFigures } from './figures.js';
import { postDataOf } from './postData.js';
import { readFinishedRun } from './run.js';
import { buildAnswerTable } from './table.js';
import { tableToHtml, tableToMarkdown, tableToText } from './tableText.js';
import { writeFigures } from './writeFigures.js';

/** Where a report goes. */
export interface WriteReportOptions {
  /** Folder of the figures; `figures` by default, `null` for none. */
  readonly figuresFolder?: string | null;
  /** Folder of the write-up's Jekyll tree; `post` by default, `null` for none. */
  readonly postFolder?: string | null;
  /** Where to look for the browser that draws pictures. */
  readonly browser?: FindBrowserOptions;
}

/** What a report consists of. */
export interface Report {
  readonly table: DataTable;
  /** The table as text, for a terminal. */
  readonly text: string;
  /** Files that were written, in order. */
  readonly files: readonly string[];
  /** What could not be made, and why; empty when all was. */
  readonly warnings: readonly string[];
}

/**
 * Writes what people read of a run: the answer table (`table.md` in the run's folder), figures (spec, SVG light and dark, PNG), and
 * the numbers, table and figures of the write-up. Nothing is measured again; the same results give the same files.
 *
 * Without a browser the specs are still written; pictures that show other numbers are removed, and a warning says so.
 *
 * @param runFolder - folder of a finished run
 * @throws {InputError} when the run cannot be read
 * @throws {UnavailableError} when `danfojs-node` is missing, or a place cannot be written
 */
export async function writeReport(runFolder: string, options: WriteReportOptions = {}): Promise<Report> {
  const { figuresFolder = 'figures', postFolder = 'post', browser = {} } = options;
  const run = await readFinishedRun(runFolder);
  const table = await buildAnswerTable(run.summary);
  const figures = buildFigures(run.summary, run.observations);
  const files: string[] = [];
  const write = async (path: string, data: string | Uint8Array): Promise<void> => {
    await writeFileAtomic(path, data);
    files.push(path);
  };
  await write(join(runFolder, 'table.md'), tableToMarkdown(table));
  const warnings: string[] = [];
  if (figuresFolder !== null) {
    const written = await writeFigures(figures, figuresFolder, browser);
    files.push(...written.files);
    warnings.push(...written.warnings);
  }
  if (postFolder !== null) {
    const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
    await write(join(postFolder, '_data', 'results.json'), json(postDataOf(run.summary, run.summarySha256)));
    await write(join(postFolder, '_data', 'figures.json'), json(figureWords(figures)));
    await write(join(postFolder, '_includes', 'results-table.html'), tableToHtml(table));
    if (figuresFolder !== null) await copyPictures(figures, figuresFolder, postFolder, write);
  }
  return { table, text: tableToText(table), files, warnings };
}

/** The post's own copies: Jekyll serves nothing from outside its tree. */
async function copyPictures(
  figures: readonly Figure[],
  figuresFolder: string,
  postFolder: string,
  write: (path: string, data: string | Uint8Array) => Promise<void>,
): Promise<void> {
  for (const { name } of figures) {
    for (const ending of ['.svg', '.dark.svg', '.json']) {
      const copy = join(postFolder, 'assets', 'figures', name + ending);
      const picture = await readFile(join(figuresFolder, name + ending)).catch(() => null);
      if (picture) await write(copy, picture);
      else await rm(copy, { force: true });
    }
  }
}

function figureWords(figures: readonly Figure[]): JsonObject {
  return Object.fromEntries(
    figures.map(({ name, title, caption, alt, width, height }, place) => [
      name,
      { number: place + 1, title, caption, alt, width, height },
    ]),
  );
}
