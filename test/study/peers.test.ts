import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { PEER_NAMES, peersFile, readPeers, writePeers } from '../../src/study/peers.js';
import { quantlab } from '../cli/terminal.js';
import { inventedPeers } from '../report/inventedPeers.js';
import { newFolder } from './setUp.js';

describe('results of peers', () => {
  const results = inventedPeers();

  it('are read as they were written, and checked', async () => {
    const folder = newFolder();
    const [one, other] = [join(folder, 'one.json'), join(folder, 'other.json')];
    for (const path of [one, other, one]) await writePeers(path, results);
    expect((await readPeers(one)).results).toEqual(results);
    // An observation a line, and one checksum for each file.
    expect(readFileSync(one, 'utf8').match(/^\{"condition"/gm)).toHaveLength(results.heard.length);
    expect(readFileSync(join(folder, 'SHA256SUMS'), 'utf8').match(/ {2}(.*)/g)).toEqual(['  one.json', '  other.json']);
    const check = await quantlab('results', 'check', one);
    expect(check).toMatchObject({ exitCode: 0, err: '' });
    expect(check.out).toContain(`${one}: as it was measured`);
  });

  it('are refused where a number was changed, with the file', async () => {
    const path = join(newFolder(), 'peers.json');
    await writePeers(path, results);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"ms":100', '"ms":10'));
    await expect(readPeers(path)).rejects.toThrow(`${path}: the file as it was written was required`);
    const { exitCode, out } = await quantlab('results', 'check', path);
    expect(exitCode).toBe(1);
    expect(out).toMatch(/not as it was measured[\s\S]*fault: .*the file as it was written/);
  });

  it('are not written where they contradict themselves', async () => {
    const path = join(newFolder(), 'peers.json');
    const [first, ...rest] = results.heard;
    if (first === undefined) throw new Error('an observation is required');
    for (const [heard, message] of [
      [[{ ...first, condition: 'nobody' }, ...rest], 'listed were required, got nobody'],
      [[...results.heard, first], 'each recording once was required'],
      [rest, 'the recordings that .* heard on 2 threads were required, got others by'],
    ] as const) {
      await expect(writePeers(path, { ...results, heard })).rejects.toThrow(new RegExp(`${path}: .*${message}`));
    }
    await expect(writePeers(path, { ...results, float: 'nothing' })).rejects.toThrow(/got nothing/);
    expect(existsSync(path)).toBe(false);
  });
});

const root = fileURLToPath(new URL('../../', import.meta.url));

it.each(PEER_NAMES.map((name) => peersFile(name)))(
  'the committed %s is whole, names no place of a machine, and is small',
  async (file) => {
    const path = join(root, file);
    const { results } = await readPeers(path);
    const text = readFileSync(path, 'utf8');
    expect(text.length).toBeLessThan(300_000);
    expect(text).not.toMatch(/\/(tmp|work|home|root|usr)\b|https?:\/\//);
    expect(results.conditions.filter(({ isOurs }) => isOurs).length).toBeGreaterThanOrEqual(2);
    expect(results.conditions.filter(({ isOurs }) => !isOurs).length).toBeGreaterThanOrEqual(2);
  },
);
