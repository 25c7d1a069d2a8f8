import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { HELP_GROUPS } from '../../src/cli/help.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import { quantlab } from './terminal.js';

/** The commands of a help text, by the heading that they stand under. */
function groupsOf(help: string): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  let own: string[] = [];
  for (const line of help.split('\n')) {
    if (/^\S.*:$/.test(line)) {
      own = [];
      groups.set(line, own);
    }
    const [, command] = /^ {2}([a-z]+) /.exec(line) ?? [];
    if (command !== undefined) own.push(command);
  }
  return groups;
}

/** Every command and every command of a command, as words. */
async function everyCommand(): Promise<readonly (readonly string[])[]> {
  const headings = [...Object.values(HELP_GROUPS), 'Commands:'];
  const below = async (names: readonly string[]): Promise<readonly (readonly string[])[]> => {
    const { out } = await quantlab('help', ...names);
    const commands = [...groupsOf(out)].filter(([heading]) => headings.includes(heading)).flatMap(([, list]) => list);
    const deeper = await Promise.all(commands.map((command) => below([...names, command])));
    return [...(names.length === 0 ? [] : [names]), ...deeper.flat()];
  };
  return await below([]);
}

/** Options of a help text: name, and what it says of it in one line. */
function optionsOf(help: string): readonly (readonly [name: string, description: string])[] {
  const [, text = ''] = /\nOptions:\n((?: {2,}.*\n)*)/.exec(help) ?? [];
  const joined = text.replace(/\n {10,}/g, ' ');
  return [...joined.matchAll(/^ {2}(?:-\w, )?--(\S+)(?: \S+)? {2,}(.*)$/gm)].map(([, name = '', said = '']) => [
    name,
    said,
  ]);
}

describe('help', () => {
  it('groups the commands, with what only the project needs last', async () => {
    const { exitCode, out } = await quantlab('help');
    expect(exitCode).toBe(0);
    const groups = groupsOf(out);
    expect([...groups.keys()].filter((heading) => Object.values(HELP_GROUPS).includes(heading as never))).toEqual(
      Object.values(HELP_GROUPS),
    );
    expect(groups.get(HELP_GROUPS.smaller)?.[0]).toBe('quantize');
    expect(groups.get(HELP_GROUPS.costs)).toEqual(expect.arrayContaining(['bench', 'evaluate', 'memory', 'cost']));
    expect(groups.get(HELP_GROUPS.own)?.toSorted()).toEqual(['laboratory', 'lm', 'merge', 'results']);
    expect(await quantlab()).toMatchObject({ exitCode: 2, out: '', err: out });
    expect((await quantlab('--help')).out).toBe(out);
  });

  it('ends with examples that begin with the command, for every command', async () => {
    const commands = await everyCommand();
    expect(commands.length).toBeGreaterThan(35);
    for (const names of commands) {
      const command = names.join(' ');
      const { exitCode, out } = await quantlab('help', ...names);
      expect(exitCode, command).toBe(0);
      expect(out, command).toContain(`Usage: quantlab ${command} `);
      const [, examples = ''] = /\nExamples?:\n([\s\S]*)$/.exec(out) ?? [];
      const lines = examples.trim().split('\n');
      expect(lines.length, command).toBeLessThanOrEqual(2);
      for (const line of lines) expect(line.trim(), command).toMatch(new RegExp(`^\\$ quantlab ${command}\\b`));
      expect((await quantlab(...names, '--help')).out).toBe(out);
      // An example is right as it stands: every option in it is one of the command's.
      const known = optionsOf((await quantlab('help', ...names)).out).map(([name]) => name);
      if (names.length > 1 || !/\nCommands:\n/.test(out)) {
        for (const [, option] of examples.matchAll(/ --([a-z-]+)/g))
          expect(known, `${command} --${option}`).toContain(option);
      }
    }
  });

  it('has -o wherever it has --out, and shows defaults as they are typed', async () => {
    for (const names of await everyCommand()) {
      const { out } = await quantlab('help', ...names);
      if (/ --out /.test(out)) expect(out, names.join(' ')).toContain('  -o, --out <');
      expect(out, names.join(' ')).not.toMatch(/\(default: (\[|false)/);
    }
    // A percentage point, which the program counts as 0.01.
    expect((await quantlab('help', 'search')).out).toMatch(/--budget <points> .*percentage\s+points \(default: 1\)/);
  });

  it('says the same of an option in every command', async () => {
    // Words that mean something else in another command, or whose default depends on what the command is for.
    const own = [
      'out',
      'figures',
      'post',
      'exclude',
      'rounds',
      'requests',
      'streams',
      'only',
      'normaliser',
      'beam-width',
      // What `score` reads, and what `transcribe` writes.
      'format',
      // Of errors in `search`, of weights in `sensitivity`; there of one technique, which is named, elsewhere of those in brackets.
      'budget',
      'calibrated',
    ];
    const said = new Map<string, string>();
    for (const names of await everyCommand()) {
      for (const [option, description] of optionsOf((await quantlab('help', ...names)).out)) {
        if (own.includes(option)) continue;
        // What measures hears the hold-out, what chooses hears the development set; an experiment may be of several models.
        const text = ['manifest', 'model'].includes(option)
          ? description.replace(/ \(default: [^)]*\)$/, '')
          : description;
        expect(text, `--${option} of ${names.join(' ')}`).toBe(said.get(option) ?? text);
        said.set(option, text);
      }
    }
    expect([...said.keys()]).toEqual(
      expect.arrayContaining(['trials', 'threads', 'manifest', 'seed', 'json', 'utterances']),
    );
  });
});

describe('wrong use', () => {
  it('names what was probably meant, and ends with 2', async () => {
    expect(await quantlab('benhc')).toMatchObject({ exitCode: 2, err: expect.stringContaining('Did you mean bench?') });
    expect(await quantlab('benhc', '--help')).toMatchObject({ exitCode: 2, out: '' });
    expect(await quantlab('help', 'benhc')).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('did you mean bench?'),
    });
    expect(await quantlab('bench', '--trails', '3')).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('Did you mean --trials?'),
    });
    expect((await quantlab('model', 'lst')).exitCode).toBe(2);
  });

  it('says what an option is called now', async () => {
    for (const command of ['bench', 'evaluate', 'memory', 'energy', 'hardware', 'throughput', 'load', 'caching']) {
      expect(await quantlab(command, '--model', 'x.onnx'), command).toMatchObject({
        exitCode: 2,
        err: expect.stringContaining('models are named without it now'),
      });
    }
    expect((await quantlab('load', '--streams', '2')).err).toContain('--workers now');
    expect((await quantlab('search', 'm', '-o', 'r.json', '--trials', '2')).err).toContain('--recipes now');
  });

  it('gives the range of numbers that no machine has', async () => {
    for (const [range, ...args] of [
      ['1 to 1024', 'bench', '--threads', '1e9'],
      ['1 to 1024', 'serve', '--workers', '1e9'],
      ['1 to 1024', 'load', '--workers', '1e9'],
      ['1 to 1024', 'throughput', '--cores', '1e9'],
      ['1 to 1024', 'throughput', '--streams', '1,1e9'],
      ['0 to 65535', 'serve', '--port', '65536'],
      ['1 to 1000000', 'bench', '--trials', '1e12'],
    ]) {
      expect(await quantlab(...args), args.join(' ')).toMatchObject({
        exitCode: 2,
        err: expect.stringContaining(`A whole number from ${range} is required`),
      });
    }
  });

  it('says before any work that a file cannot be written', async () => {
    for (const args of [
      ['quantize', 'missing.onnx', '-o', 'nowhere/small.onnx'],
      ['simplify', 'missing.onnx', '-o', 'nowhere/small.onnx'],
      ['code', 'missing.onnx', '-o', 'nowhere/small.onnx'],
      ['search', 'missing.onnx', '-o', 'nowhere/found.json'],
      ['search', 'missing.onnx', '-o', 'found.json', '--trace', 'nowhere/trace.jsonl'],
      ['throughput', 'missing.onnx', '--out', 'nowhere/passes.json'],
      ['lm', 'build', 'missing.txt', '-o', 'nowhere/small.arpa'],
      ['model', 'build', 'nowhere/big.onnx'],
    ]) {
      const { exitCode, err } = await quantlab(...args);
      expect(exitCode, args.join(' ')).toBe(2);
      expect(err).toContain('A folder that is there is required, got nowhere');
      expect(err).not.toContain('missing');
    }
    expect((await quantlab('search', 'missing.onnx', '-o', 'test')).err).toContain('got that of a folder');
  });
});

describe('a model without a card', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quantlab-cardless-'));
  const model = join(folder, 'own.onnx');

  afterAll(() => rmSync(folder, { recursive: true }));

  it('is inspected, and what hears with it says what it needs', async () => {
    const { path } = await resolveModel('deepspeech2-lstm');
    copyFileSync(path, model);
    expect(await quantlab('inspect', model)).toMatchObject({
      exitCode: 0,
      err: expect.stringMatching(/^No model card lies beside it/),
    });
    for (const args of [
      ['bench', model, '--manifest', 'dev'],
      ['evaluate', 'deepspeech2-lstm', model],
      ['sensitivity', model, '--manifest', 'dev'],
      ['compare', 'deepspeech2-lstm', model, '--manifest', 'dev'],
      ['transcribe', 'speech.wav', '--model', model],
    ]) {
      expect(await quantlab(...args), args.join(' ')).toMatchObject({
        exitCode: 1,
        err: expect.stringMatching(
          /own\.onnx: a model card was required beside it, got neither own\.json nor model\.json/,
        ),
      });
    }
  });

  it('may be named by an id where nothing is heard', async () => {
    const { exitCode, out, err } = await quantlab('inspect', 'deepspeech2-lstm', '--json');
    expect([exitCode, err]).toEqual([0, '']);
    expect(JSON.parse(out)).toHaveProperty('operators.LSTM', 3);
  });
});

describe('quantlab bench', () => {
  it('fits 100 columns, tells variants of one model apart, and comes as CSV, Markdown and JSON', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'quantlab-bench-'));
    const small = join(folder, 'a-variant-with-a-name-that-is-far-too-long-for-a-column.onnx');
    try {
      await quantlab('quantize', 'deepspeech2-lstm', '-o', small);
      const line = {
        id: 'one',
        audio_filepath: join(import.meta.dirname, '..', '..', 'data', 'speech', 'audio', 'added.flac'),
        duration: 0.7,
        text: 'added',
      };
      const manifest = join(folder, 'manifest.jsonl');
      writeFileSync(manifest, `${JSON.stringify(line)}\n`);
      const few = ['--manifest', manifest, '--trials', '12', '--warm-up', '1', '--threads', '1'];
      const args = ['bench', 'deepspeech2-lstm', small, ...few];
      const shown = await quantlab(...args);
      expect(shown.exitCode, shown.err).toBe(0);
      for (const line of shown.out.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
      expect(shown.out).toMatch(/^a-variant-with…-for-a-column +[\d.]+ \([\d.]+ to [\d.]+\)/m);
      expect(shown.out).toMatch(/^p99 ≤: –, since that takes \d+ trials/m);
      const [first, second] = JSON.parse((await quantlab(...args, '--export', 'json')).out) as { model: string }[];
      expect([first?.model, second?.model]).toEqual(['deepspeech2-lstm', basename(small, '.onnx')]);
      expect((await quantlab(...args, '--export', 'csv')).out.trim().split('\r\n')).toHaveLength(3);
      expect((await quantlab(...args, '--export', 'md')).out).toMatch(/^\| model \| speed-up .*\n\| --- \| ---: /m);
      expect((await quantlab('bench', '--warm-up', '0')).exitCode).toBe(2);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 300_000);
});
