import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UnavailableError } from '../../src/errors.js';
import { ObservationLog, readObservations } from '../../src/experiment/observations.js';
import type { Observation } from '../../src/experiment/schema.js';
import { newFolder } from './setUp.js';

function observation(trial: number): Observation {
  const times = { totalMs: 3, featuresMs: 1, inferenceMs: 1, decodingMs: 1 };
  return { condition: 'a', phase: 'latency', trial, utterances: ['ü'], audioS: 1, ...times, texts: ['žluť'] };
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
    });
  });

  it('leaves a half line out, at whichever byte it ends, and cuts it off before it goes on', () => {
    const path = join(newFolder(), 'observations.jsonl');
    const line = Buffer.from(`${JSON.stringify(observation(0))}\n`);
    const next = Buffer.from(`${JSON.stringify(observation(1))}\n`);
    for (let bytes = 0; bytes < next.length; bytes++) {
      writeFileSync(path, Buffer.concat([line, next.subarray(0, bytes)]));
      const { observations, wholeBytes } = readObservations(path);
      expect({ bytes, trials: observations.length, wholeBytes }).toEqual({ bytes, trials: 1, wholeBytes: line.length });
    }
    const log = new ObservationLog(path, line.length);
    log.append(observation(7));
    log.close();
    expect(readObservations(path).observations.map(({ trial }) => trial)).toEqual([0, 7]);
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
