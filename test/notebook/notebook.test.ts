import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const notebooks = join(root, 'notebooks');
const binaries = join(notebooks, '.venv', process.platform === 'win32' ? 'Scripts' : 'bin');
const output = mkdtempSync(join(tmpdir(), 'quantlab-notebooks-'));
afterAll(() => rmSync(output, { recursive: true, force: true }));

const names = readdirSync(notebooks).filter((name) => /^\d\d-.*\.ipynb$/.test(name));

/** Makes the environment at the first call: a minute with a network, nothing afterwards. */
const prepared = spawnSync(process.execPath, [join(root, '.ci', 'lab.mjs'), '--prepare-only'], { encoding: 'utf8' });
const isPrepared = prepared.status === 0;
if (!isPrepared) process.stderr.write(`Notebooks are not run: ${prepared.stderr.trim().split('\n').at(-1)}\n`);

interface Output {
  readonly output_type: string;
  readonly evalue?: string;
  readonly text?: string | readonly string[];
  readonly data?: Readonly<Record<string, string | readonly string[]>>;
}

interface Cell {
  readonly cell_type: string;
  readonly source: string | readonly string[];
  readonly outputs?: readonly Output[];
}

function cellsOf(path: string): readonly Cell[] {
  return (JSON.parse(readFileSync(path, 'utf8')) as { cells: readonly Cell[] }).cells;
}

const joined = (text: string | readonly string[] = ''): string => (typeof text === 'string' ? text : text.join(''));
const sourceOf = ({ source }: Cell): string => joined(source);

/** What cells have written on standard error, and the errors that stopped them. */
function troubleOf(cells: readonly Cell[]): string {
  const outputs = cells.flatMap((cell) => cell.outputs ?? []);
  const errors = outputs.filter((each) => each.output_type === 'error').map((each) => each.evalue ?? '');
  const streams = outputs
    .filter((each) => (each as { name?: string }).name === 'stderr')
    .map((each) => joined(each.text));
  return [...errors, ...streams].join('\n');
}

function htmlOf(cells: readonly Cell[]): string {
  return cells
    .flatMap((cell) => cell.outputs ?? [])
    .map(({ data }) => joined(data?.['text/html']))
    .join('\n');
}

/** Executed copy; a cell that fails ends the run with exit code 1 and no message (facts of nbconvert), so its error is read from the copy. */
function execute(name: string): {
  readonly status: number | null;
  readonly cells: readonly Cell[];
  readonly log: string;
} {
  const { status, stderr } = spawnSync(
    join(binaries, 'python'),
    [
      ...['-m', 'nbconvert', '--to', 'notebook', '--execute', '--allow-errors'],
      ...['--ExecutePreprocessor.timeout=240', '--output-dir', output, join(notebooks, name)],
    ],
    {
      cwd: root,
      encoding: 'utf8',
      env: {
        ...process.env,
        PATH: [join(root, 'node_modules', '.bin'), binaries, process.env['PATH']].join(delimiter),
        JUPYTER_PREFER_ENV_PATH: '1',
        QUANTLAB_TRIALS: process.env['QUANTLAB_TRIALS'] ?? '12',
        QUANTLAB_UTTERANCES: process.env['QUANTLAB_UTTERANCES'] ?? '24',
      },
    },
  );
  return { status, cells: status === 0 ? cellsOf(join(output, name)) : [], log: stderr };
}

/** What stands in the output of a notebook that calls a function. */
const MARKS = [
  ['<progress', 'showProgress('],
  ['<table>', 'showTable('],
  ['<audio', 'showAudio('],
  ['<figure', 'showFigures('],
] as const;

describe('notebooks', () => {
  it('can be run where CI asks for it', () => {
    expect(isPrepared || process.env['CI'] !== 'true', prepared.stderr).toBe(true);
  });

  describe.each(names)('%s', (name) => {
    const committed = cellsOf(join(notebooks, name));

    it('is thin: a title and an answer first, cells of at most 15 lines, the claims asserted at the end', () => {
      expect(committed[0]?.cell_type).toBe('markdown');
      expect(sourceOf(committed[0] as Cell)).toMatch(/^# .*\?\n\n\*\*/);
      const code = committed.filter(({ cell_type }) => cell_type === 'code').map(sourceOf);
      expect(code.filter((text) => text.split('\n').length > 15)).toEqual([]);
      expect(code.at(-1)).toContain('assert(');
    });

    it('is committed executed, small, without an error, and names no folder of a machine', () => {
      expect(statSync(join(notebooks, name)).size).toBeLessThan(500_000);
      expect(troubleOf(committed)).toBe('');
      const code = committed.map(sourceOf).join('\n');
      for (const [shown, call] of MARKS) {
        if (code.includes(call)) expect(htmlOf(committed)).toContain(shown);
      }
      if (code.includes('showFigures(')) expect(htmlOf(committed)).toContain('<img alt=');
      expect(readFileSync(join(notebooks, name), 'utf8')).not.toMatch(/\/(home|root|tmp|Users|work)\//);
    });

    it.skipIf(!isPrepared)(
      'runs in the kernel',
      () => {
        const { status, cells, log } = execute(name);
        expect(status, log).toBe(0);
        expect(troubleOf(cells)).toBe('');
        const code = committed.map(sourceOf).join('\n');
        for (const [shown, call] of MARKS) {
          if (code.includes(call)) expect(htmlOf(cells)).toContain(shown);
        }
        expect(htmlOf(cells).match(/<figure/g)?.length).toBe(htmlOf(committed).match(/<figure/g)?.length);
      },
      300_000,
    );
  });
});
