/**
 * What notebooks show: tables, figures, progress. The only room that knows the kernel's display; outside a kernel the same
 * functions write to the terminal.
 *
 * @example
 * ```ts
 * import { showProgress } from 'quantlab/notebook';
 *
 * const step = await showProgress();
 * step({ done: 3, total: 10, label: 'trials' }); // trials: 3 of 10
 * ```
 *
 * @module quantlab/notebook
 */
import { UnavailableError } from '../errors.js';
import { type FigureExporter, openExporter } from '../report/figures/export.js';
import type { Figure } from '../report/figures/figure.js';
import { compareTable, type ModelResults } from '../report/tables/compareTable.js';
import type { DataTable } from '../report/tables/dataTable.js';
import { tableToText } from '../report/tables/tableText.js';
import { interactiveFigure } from './interactive.js';
import { openScreen, type Screen } from './screen.js';
import { notebookTable } from './tableHtml.js';

export { type HeardText, showAlignment } from './alignment.js';
export { showAudio } from './audio.js';
export { type ProgressStep, type ShowStep, showProgress } from './progress.js';
export type { Screen } from './screen.js';

/**
 * Shows a table: tidy HTML in a notebook, columns of text on a terminal.
 *
 * @param table - from `buildTable`, `compareTable` or `buildAnswerTable`; or what `bench` and `evaluate` gave, in one list
 * @param screen - where; found out by default
 * @example await showTable(await bench(models, { utterances }));
 */
export async function showTable(table: DataTable | ModelResults, screen?: Screen): Promise<void> {
  const { show } = screen ?? (await openScreen());
  const shown = 'rows' in table ? table : compareTable(table);
  show(notebookTable(shown), tableToText(shown));
}

/** How figures are shown. */
export interface ShowFiguresOptions {
  /** Where; found out by default. */
  readonly screen?: Screen;
  /** Opens what draws the static pictures. */
  readonly open?: () => Promise<FigureExporter>;
}

/**
 * Shows figures: interactive in JupyterLab, with a static picture underneath that stays where scripts do not run; their
 * alternative texts on a terminal. Without a browser for the pictures, the text stands in for them.
 *
 * @param figures - from `buildFigures`
 * @param options - where to show, how to draw
 */
export async function showFigures(figures: readonly Figure[], options: ShowFiguresOptions = {}): Promise<void> {
  const { open = openExporter } = options;
  const screen = options.screen ?? (await openScreen());
  const exporter = await open().catch((error: unknown) => {
    if (error instanceof UnavailableError) return null;
    throw error;
  });
  try {
    for (const figure of figures) {
      const svg = exporter ? await exporter.svg(figure) : null;
      screen.show(interactiveFigure(figure, svg), `${figure.title}\n${figure.alt}\n`);
    }
  } finally {
    await exporter?.close();
  }
}
