import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UnavailableError } from '../../errors.js';
import { removeFile, writeFileAtomic } from '../../files.js';
import type { FindBrowserOptions } from './browser.js';
import { type FigureExporter, openExporter } from './export.js';
import type { Figure } from './figure.js';
import { templateOf, withScheme } from './theme.js';

/** Figures that were written. */
export interface WrittenFigures {
  /** In order. */
  readonly files: readonly string[];
  /** What could not be made, and why; empty when all was. */
  readonly warnings: readonly string[];
}

const PICTURE_ENDINGS = ['.svg', '.dark.svg', '.png'] as const;

type Write = (path: string, data: string | Uint8Array) => Promise<void>;

/**
 * Writes figures: the spec, SVG light and dark, and PNG. Without a browser the specs are still written; pictures that
 * show other numbers are removed, and a warning says so.
 *
 * @param folder - made when it is not there
 * @param browser - where to look for the browser that draws pictures
 * @throws {UnavailableError} when a place cannot be written
 */
export async function writeFigures(
  figures: readonly Figure[],
  folder: string,
  browser: FindBrowserOptions = {},
): Promise<WrittenFigures> {
  const files: string[] = [];
  const warnings: string[] = [];
  const write: Write = async (path, data) => {
    await writeFileAtomic(path, data);
    files.push(path);
  };
  const exporter = await openExporter(browser).catch((error: unknown) => {
    if (!(error instanceof UnavailableError)) throw error;
    warnings.push(`Figures are written as specs only. ${error.message}`);
    return null;
  });
  try {
    for (const figure of figures) await writeFigure(figure, folder, exporter, write);
  } finally {
    await exporter?.close();
  }
  return { files, warnings };
}

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
    for (const ending of PICTURE_ENDINGS) await removeFile(join(folder, figure.name + ending));
  }
}

/** A figure as a file: Plotly draws `data` and `layout` as they are; `darkTemplate` replaces the layout's template in the dark. */
function specFile({ spec, ...words }: Figure): string {
  return `${JSON.stringify({ ...words, ...withScheme(spec, 'light'), darkTemplate: templateOf('dark') }, null, 1)}\n`;
}
