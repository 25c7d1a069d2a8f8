import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UnavailableError } from '../../src/errors.js';
import { ObservationLog, readObservations } from '../../src/study/observations.js';
import type { Observation } from '../../src/study/schema.js';
import { newFolder } from './setUp.js';

function observation(trial: number): Observation {
  const times = { totalMs: 3, featuresMs: 1, inferenceMs: 1, decodingMs: 1 };
  return { condition: 'a', phase: 'latency', trial, utterances: ['ü'], audioS: 1, ...times, texts: ['žluť'] };
}

/** Lines of a file with these trials. */
function written(path: string, trials: readonly number[]): readonly string[] {
  const log = new ObservationLog(path);
  for (const trial of trials) log.append(observation(trial));
  log.close();
  return readFileSync(path, 'utf8').trim().split('\n');
}

describe('observations', () => {
  it('gives back what was appended', () => {
    const path = join(newFolder(), 'observations.jsonl');
    const log = new ObservationLog(path);
    for (const trial of [0, 1, 2]) log.append(observation(trial));
    log.sync();
    log.close();
    expect(readObservations(path)).toEqual({
      observations: [0, 1, 2].map(observation),
      wholeBytes: statSync(path).size,
      lastCheck: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
  });

  it('leaves a half line out, at whichever byte it ends, and cuts it off before it goes on', () => {
    const path = join(newFolder(), 'observations.jsonl');
    const [line, next] = written(path, [0, 1]).map((text) => Buffer.from(`${text}\n`)) as [Buffer, Buffer];
    for (let bytes = 0; bytes < next.length; bytes++) {
      writeFileSync(path, Buffer.concat([line, next.subarray(0, bytes)]));
      const { observations, wholeBytes } = readObservations(path);
      expect({ bytes, trials: observations.length, wholeBytes }).toEqual({ bytes, trials: 1, wholeBytes: line.length });
    }
    const log = new ObservationLog(path, readObservations(path));
    log.append(observation(7));
    log.close();
    expect(readObservations(path).observations.map(({ trial }) => trial)).toEqual([0, 7]);
  });

  it('names a line that was damaged, wherever the damage is', () => {
    const path = join(newFolder(), 'observations.jsonl');
    const whole = `${written(path, [0, 1, 2]).join('\n')}\n`;
    const end = whole.lastIndexOf('\n', whole.length - 2);
    for (let at = 0; at < end; at++) {
      // A digit becomes another, everything else a digit.
      const wrong = whole[at] === '7' ? '8' : '7';
      writeFileSync(path, whole.slice(0, at) + wrong + whole.slice(at + 1));
      expect(() => readObservations(path), `character ${at}`).toThrow(/observations\.jsonl:[123]: /);
    }
  });

  it('names the place where a line is missing, moved, or was added', () => {
    const path = join(newFolder(), 'observations.jsonl');
    const [a, b, c] = written(path, [0, 1, 2]) as [string, string, string];
    const unchecked = JSON.stringify(observation(9));
    for (const [lines, place] of [
      [[a, c], 2],
      [[b, c], 1],
      [[a, c, b], 2],
      [[a, a, b, c], 2],
      [[a, unchecked, b, c], 2],
    ] as const) {
      writeFileSync(path, `${lines.join('\n')}\n`);
      expect(() => readObservations(path)).toThrow(
        `observations.jsonl:${place}: a line as it was written was required`,
      );
    }
  });

  it('takes lines without checksums that another program wrote, and goes on with checked ones', () => {
    const path = join(newFolder(), 'observations.jsonl');
    writeFileSync(path, [0, 1].map((trial) => `${JSON.stringify(observation(trial))}\n`).join(''));
    const log = new ObservationLog(path, readObservations(path));
    log.append(observation(2));
    log.close();
    expect(readObservations(path).observations.map(({ trial }) => trial)).toEqual([0, 1, 2]);
  });

  it('names a broken line', () => {
    const path = join(newFolder(), 'observations.jsonl');
    writeFileSync(path, `${JSON.stringify(observation(0))}\n{"condition":\n`);
    expect(() => readObservations(path)).toThrow(/observations\.jsonl:2: JSON was required/);
    writeFileSync(path, `${JSON.stringify({ ...observation(0), totalMs: 'fast' })}\n`);
    expect(() => readObservations(path)).toThrow(/observations\.jsonl:1: field totalMs/);
  });

  it.skipIf(process.platform !== 'linux')('says when the disk is full', () => {
    const log = new ObservationLog('/dev/full');
    expect(() => log.append(observation(0))).toThrow(UnavailableError);
    expect(() => log.append(observation(0))).toThrow(/room on the disk was required, got ENOSPC; free some/);
    log.close();
  });

  it('says when the place cannot be written', () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'file'), '');
    expect(() => new ObservationLog(join(folder, 'file', 'log'))).toThrow(/file\/log/);
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('');
  });
});
