import { type Cell, htmlOf, sourceOf } from '../notebook/cells.js';

/** Width and height in CSS pixels, as they are on the screen. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A table as it is shown. */
export interface SeenTable extends Size {
  readonly headers: number;
  /** Cells of each row below the header. */
  readonly rows: readonly number[];
}

/** A figure as it is shown: the static picture, or what Plotly has drawn in its place. */
export interface SeenFigure {
  readonly picture: (Size & { readonly isLoaded: boolean }) | null;
  readonly chart: (Size & { readonly shapes: number }) | null;
  readonly caption: string;
}

/** What a reader sees of a code cell. */
export interface SeenCell {
  /** The number in its brackets; `*` while it runs or waits. */
  readonly number: string;
  /** Error outputs and what stands on standard error. */
  readonly errors: readonly string[];
  /** Of each output. */
  readonly sizes: readonly Size[];
  readonly scripts: number;
  readonly progress: readonly { readonly done: number; readonly total: number }[];
  readonly tables: readonly SeenTable[];
  readonly figures: readonly SeenFigure[];
  readonly players: readonly { readonly durationS: number }[];
}

/** Runs in the page; gives an array of {@link SeenCell}. Sounds are loaded first, as pressing play would. */
export const READ_CELLS = `(async () => {
  const sizeOf = (element) => {
    const { width, height } = element.getBoundingClientRect();
    const isHidden = getComputedStyle(element).visibility === 'hidden';
    return isHidden ? { width: 0, height: 0 } : { width, height };
  };
  const all = (element, selector) => [...element.querySelectorAll(selector)];
  const load = (player) => player.readyState > 0 || player.error || new Promise((resolve) => {
    player.onloadedmetadata = player.onerror = resolve;
    player.preload = 'metadata';
    player.load();
  });
  await Promise.all(all(document, '.jp-OutputArea audio').map(load));
  return all(document, '.jp-Notebook .jp-CodeCell').map((cell) => {
    const outputs = all(cell, '.jp-OutputArea-output');
    const isError = ({ dataset }) => /\\.(error|stderr)$/.test(dataset.mimeType ?? '');
    const area = cell.querySelector('.jp-OutputArea') ?? cell;
    return {
      number: cell.querySelector('.jp-InputPrompt').textContent.replace(/[^0-9*]/g, ''),
      errors: outputs.filter(isError).map(({ textContent }) => textContent.trim().slice(0, 600)),
      sizes: outputs.map(sizeOf),
      scripts: all(area, 'script').length,
      progress: all(area, 'progress').map(({ value, max }) => ({ done: value, total: max })),
      tables: all(area, 'table').map((table) => ({
        ...sizeOf(table),
        headers: all(table, 'th').length,
        rows: all(table, 'tbody tr').map(({ cells }) => cells.length),
      })),
      figures: all(area, 'figure[class^="quantlab-"]').map((figure) => {
        const [picture, chart] = [figure.querySelector('img'), figure.querySelector('svg.main-svg')];
        return {
          picture: picture && { ...sizeOf(picture), isLoaded: picture.complete && picture.naturalWidth > 0 },
          chart: chart && { ...sizeOf(chart), shapes: all(chart, 'path, image, text').length },
          caption: figure.querySelector('figcaption')?.textContent ?? '',
        };
      }),
      players: all(area, 'audio').map(({ duration }) => ({ durationS: Number.isFinite(duration) ? duration : 0 })),
    };
  });
})()`;

/** Smaller than this in CSS pixels is nothing to look at. */
const LEAST_FIGURE = 100;

const isSeen = ({ width, height }: Size): boolean => width > 0 && height > 0;
const isLarge = ({ width, height }: Size): boolean => width >= LEAST_FIGURE && height >= LEAST_FIGURE;
const told = ({ width, height }: Size): string => `${Math.round(width)} × ${Math.round(height)}`;

/**
 * What a reader would miss in a notebook that was run: an empty list when all is there.
 *
 * @param code - code cells of the notebook file, whose outputs say how many figures to expect
 * @param seen - of the same cells
 */
export function findMissing(code: readonly Cell[], seen: readonly SeenCell[]): readonly string[] {
  if (code.length !== seen.length) return [`notebook: ${code.length} code cells were required, got ${seen.length}`];
  return seen.flatMap((cell, place) => {
    const trouble: string[] = [];
    const source = sourceOf(code[place] as Cell);
    const expect = (holds: boolean, required: string, got: string | number): void => {
      if (!holds) trouble.push(`cell ${place + 1}: ${required} was required, got ${got}`);
    };
    expect(cell.errors.length === 0, 'no error', cell.errors.join(' / '));
    expect(cell.number === String(place + 1), `the number ${place + 1}`, `[${cell.number || ' '}]`);
    if (trouble.length > 0) return trouble;
    const figures = htmlOf([code[place] as Cell]).match(/<figure class="quantlab-/g)?.length ?? 0;
    for (const [call, count, what] of [
      ['showProgress(', cell.progress.length, 'a progress bar'],
      ['showTable(', cell.tables.length, 'a table'],
      ['showAlignment(', cell.tables.length, 'a table of words'],
      ['showAudio(', cell.players.length, 'a player'],
      ['showFigures(', cell.figures.length, 'a figure'],
    ] as const) {
      if (source.includes(call)) expect(count > 0, what, 'none');
    }
    expect(cell.figures.length >= figures, `${figures} figures as in the notebook file`, cell.figures.length);
    for (const { done, total } of cell.progress) {
      expect(done === total && total > 0, 'a progress bar at its end', `${done} of ${total}`);
    }
    for (const table of cell.tables) expectTable(table, expect);
    for (const { chart, caption } of cell.figures) {
      const got = chart ? `${told(chart)}, ${chart.shapes} shapes` : 'the picture only';
      expect(chart !== null && isLarge(chart) && chart.shapes > 5, 'a figure drawn by Plotly', got);
      expect(caption.length > 20, 'a caption', `“${caption}”`);
    }
    for (const { durationS } of cell.players) expect(durationS > 0, 'a sound with a duration', `${durationS} s`);
    return trouble;
  });
}

type Expect = (holds: boolean, required: string, got: string | number) => void;

function expectTable(table: SeenTable, expect: Expect): void {
  expect(isSeen(table) && table.headers > 0, 'a table with a header', `${told(table)}, ${table.headers} header cells`);
  const widths = new Set(table.rows);
  expect(table.rows.length > 0 && widths.size === 1, 'rows of the same length', [...widths].join(', ') || 'none');
}

/**
 * What a reader would miss in a notebook that is not trusted and was not run, and what must not have happened.
 *
 * @param code - code cells of the notebook file
 * @param seen - of the same cells
 */
export function findMissingUntrusted(code: readonly Cell[], seen: readonly SeenCell[]): readonly string[] {
  if (code.length !== seen.length) return [`notebook: ${code.length} code cells were required, got ${seen.length}`];
  return seen.flatMap((cell, place) => {
    const trouble: string[] = [];
    const expect: Expect = (holds, required, got) => {
      if (!holds) trouble.push(`cell ${place + 1}, untrusted: ${required} was required, got ${got}`);
    };
    expect(cell.scripts === 0, 'no script', cell.scripts);
    const outputs = code[place]?.outputs?.length ?? 0;
    // Lines of a stream are one output on the screen.
    expect(outputs === 0 || cell.sizes.length > 0, 'its outputs', 'none');
    for (const size of cell.sizes) expect(isSeen(size), 'an output that is seen', told(size));
    const figures = htmlOf([code[place] as Cell]).match(/<figure class="quantlab-/g)?.length ?? 0;
    expect(cell.figures.length === figures, `${figures} figures`, cell.figures.length);
    for (const { picture, chart } of cell.figures) {
      expect(chart === null, 'a picture only', 'a figure drawn by a script');
      const got = picture ? `${told(picture)}${picture.isLoaded ? '' : ', not loaded'}` : 'none';
      expect(picture?.isLoaded === true && isLarge(picture), 'a static picture', got);
    }
    return trouble;
  });
}
