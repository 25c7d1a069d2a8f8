import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a cell has shown. */
export interface Output {
  readonly output_type: string;
  readonly name?: string;
  readonly evalue?: string;
  readonly text?: string | readonly string[];
  readonly data?: Readonly<Record<string, string | readonly string[]>>;
}

/** A cell of a notebook file. */
export interface Cell {
  readonly cell_type: string;
  readonly execution_count?: number | null;
  readonly source: string | readonly string[];
  readonly outputs?: readonly Output[];
}

/** The repository. */
export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));

/** Where the notebooks lie. */
export const NOTEBOOKS: string = join(ROOT, 'notebooks');

/** File names of the notebooks, in order. */
export const NAMES: readonly string[] = readdirSync(NOTEBOOKS)
  .filter((name) => /^\d\d-.*\.ipynb$/.test(name))
  .sort();

export function cellsOf(path: string): readonly Cell[] {
  return (JSON.parse(readFileSync(path, 'utf8')) as { cells: readonly Cell[] }).cells;
}

export const codeOf = (cells: readonly Cell[]): readonly Cell[] =>
  cells.filter(({ cell_type }) => cell_type === 'code');

export const joined = (text: string | readonly string[] = ''): string =>
  typeof text === 'string' ? text : text.join('');

export const sourceOf = ({ source }: Cell): string => joined(source);

export function htmlOf(cells: readonly Cell[]): string {
  return cells
    .flatMap((cell) => cell.outputs ?? [])
    .map(({ data }) => joined(data?.['text/html']))
    .join('\n');
}
