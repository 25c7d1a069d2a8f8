import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UnavailableError } from '../errors.js';
import { writeFileAtomic } from '../files.js';
import type { FindBrowserOptions } from './browser.js';
import { type FigureExporter, openExporter } from './export.js';
import type { Figure, JsonObject } from './figure.js';
import { buildFigures } from './figures.js';
import { postDataOf } from './postData.js';
import { readFinishedRun } from './run.js';
import { type AnswerTable, buildAnswerTable } from './table.js';
import { tableToHtml, tableToMarkdown, tableToText } from './tableText.js';
import { templateOf, withScheme } from './theme.js';

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
  readonly table: AnswerTable;
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
    const exporter = await openExporter(browser).catch((error: unknown) => {
      if (!(error instanceof UnavailableError)) throw error;
      warnings.push(`Figures are written as specs only. ${error.message}`);
      return null;
    });
    try {
      for (const figure of figures) await writeFigure(figure, figuresFolder, exporter, write);
    } finally {
      await exporter?.close();
    }
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

type Write = (path: string, data: string | Uint8Array) => Promise<void>;

async function writeFigure(
  figure: Figure,
  folder: string,
  exporter: FigureExporter | null,
  write: Write,
): Promise<void> {
  const spec = join(folder, `${figure.name}.json`);
  const text = specFile(figure);
  const before = await readFile(spec, 'utf8').catch(() => '');
  await write(spec, text);
  if (exporter) {
    await write(join(folder, `${figure.name}.svg`), await exporter.svg(figure, 'light'));
    await write(join(folder, `${figure.name}.dark.svg`), await exporter.svg(figure, 'dark'));
    await write(join(folder, `${figure.name}.png`), await exporter.png(figure, 'light'));
  } else if (before !== text) {
    for (const ending of PICTURE_ENDINGS) await rm(join(folder, figure.name + ending), { force: true });
  }
}

const PICTURE_ENDINGS = ['.svg', '.dark.svg', '.png'] as const;

/** The post's own copies: Jekyll serves nothing from outside its tree. */
async function copyPictures(
  figures: readonly Figure[],
  figuresFolder: string,
  postFolder: string,
  write: Write,
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

/** A figure as a file: Plotly draws `data` and `layout` as they are; `darkTemplate` replaces the layout's template in the dark. */
function specFile({ spec, ...words }: Figure): string {
  return `${JSON.stringify({ ...words, ...withScheme(spec, 'light'), darkTemplate: templateOf('dark') }, null, 1)}\n`;
}

function figureWords(figures: readonly Figure[]): JsonObject {
  return Object.fromEntries(
    figures.map(({ name, title, caption, alt, width, height }, place) => [
      name,
      { number: place + 1, title, caption, alt, width, height },
    ]),
  );
}
