import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Cell, cellsOf, codeOf, htmlOf, joined, NAMES, NOTEBOOKS, sourceOf } from './cells.js';
import { typeErrorsOf } from './typeErrors.js';

// What can be said of the notebooks without running them. `npm run test:lab` runs each in JupyterLab.

/** What cells have written on standard error, and the errors that stopped them. */
function troubleOf(cells: readonly Cell[]): string {
  const outputs = cells.flatMap((cell) => cell.outputs ?? []);
  const errors = outputs.filter((each) => each.output_type === 'error').map((each) => each.evalue ?? '');
  const streams = outputs.filter(({ name }) => name === 'stderr').map(({ text }) => joined(text));
  return [...errors, ...streams].join('\n');
}

/** What stands in the output of a notebook that calls a function. */
const MARKS = [
  ['<progress', 'showProgress('],
  ['<table>', 'showTable('],
  ['<audio', 'showAudio('],
  ['<figure', 'showFigures('],
] as const;

/** A wider line runs out of its cell in a window of 1200 pixels. */
const LINE_WIDTH = 120;

const notebooks = new Map(NAMES.map((name) => [name, cellsOf(join(NOTEBOOKS, name))]));

describe('notebooks', () => {
  it('are written against the sources as they are', { timeout: 240_000 }, () => {
    const wrong: Cell = { cell_type: 'code', source: "import { nothing } from 'quantlab';\nconst one: string = 1;" };
    const next: Cell = {
      cell_type: 'code',
      source: 'const two = { one };\nconst three = { two }; console.log(three);',
    };
    const found = typeErrorsOf(new Map([...notebooks, ['wrong.ipynb', [wrong, next]]]));
    expect(found.get('wrong.ipynb')).toEqual([
      expect.stringMatching(/^cell 1, line 1: Module '"quantlab"' has no exported member 'nothing'/),
      "cell 1, line 2: Type 'number' is not assignable to type 'string'.",
      expect.stringMatching(/^cell 2, line 1: \{ one \} is of an earlier cell/),
    ]);
    for (const name of NAMES) expect(found.get(name), name).toEqual([]);
  });

  it('are numbered without a gap', () => {
    expect(NAMES.map((name) => Number(name.slice(0, 2)))).toEqual(NAMES.map((_, place) => place + 1));
  });

  describe.each(NAMES)('%s', (name) => {
    const committed = notebooks.get(name) ?? [];
    const code = codeOf(committed).map(sourceOf);

    it('asks one question and answers it, says how long it takes and how to run more, and asserts its claim at the end', () => {
      const [title] = committed.map(sourceOf);
      expect(committed[0]?.cell_type).toBe('markdown');
      expect(title).toMatch(/^# [^\n?]*\?\n\n\*\*/);
      expect(title).toMatch(/[Ll]ast cell asserts/);
      expect(title).toMatch(/minute/);
      expect(title).toMatch(/QUANTLAB_[A-Z]+|[Nn]othing (is|more)/);
      expect(code.at(-1)).toContain('assert(');
      expect(committed.map(sourceOf).filter((text) => text.startsWith('# '))).toHaveLength(1);
    });

    it('is thin: cells of at most 15 lines that are not cut off at the right', () => {
      expect(code.filter((text) => text.split('\n').length > 15)).toEqual([]);
      expect(code.flatMap((text) => text.split('\n')).filter((line) => line.length > LINE_WIDTH)).toEqual([]);
    });

    it('is committed executed, small, without an error, and names no folder of a machine', () => {
      expect(statSync(join(NOTEBOOKS, name)).size).toBeLessThan(500_000);
      expect(troubleOf(committed)).toBe('');
      expect(codeOf(committed).map(({ execution_count }) => execution_count)).toEqual(
        code.map((_, place) => place + 1),
      );
      const html = htmlOf(committed);
      for (const [shown, call] of MARKS) {
        if (code.join('\n').includes(call)) expect(html).toContain(shown);
      }
      expect(readFileSync(join(NOTEBOOKS, name), 'utf8')).not.toMatch(/\/(home|root|tmp|Users|work)\//);
    });

    it('holds a static picture of every figure, and no Plotly', () => {
      for (const { outputs = [] } of committed) {
        for (const html of outputs.map(({ data }) => joined(data?.['text/html']))) {
          if (!html.includes('<figure class="quantlab-')) continue;
          expect(html).toMatch(/<img alt="[^"]{20,}" [^>]*src="data:image\/svg\+xml;base64,[^"]{1000,}"/);
          expect(html).toMatch(/<figcaption[^>]*>[^<]{20,}/);
          expect(html).not.toContain('Plotly.version');
          // The largest has a dot for each trial of four conditions.
          expect(html.length).toBeLessThan(130_000);
        }
      }
    });
  });
});
