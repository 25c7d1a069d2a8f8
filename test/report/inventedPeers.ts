import { PEERS_SCHEMA, type PeerCondition, type PeerHearing, type PeerResults } from '../../src/study/peers.js';
import { readInventedRun } from './fixture.js';

const condition = (id: string, isOurs: boolean): PeerCondition => {
  return { id, title: `${id} program`, description: `what ${id} is`, isOurs, version: '1.0', sizeBytes: 8e6 };
};

/** Milliseconds of the reference for each recording. */
const SLOW_MS = [100, 200, 400] as const;

/** What is said, and what the reference hears: one word of ten is wrong. */
const SAID = ['one two three', 'four five six', 'seven eight nine ten'] as const;
const HEARD = ['one two three', 'four five six', 'seven eight nine'] as const;

function hearings(id: string, times: number, texts: readonly string[], output?: string): readonly PeerHearing[] {
  return SLOW_MS.map((ms, place) => ({
    condition: id,
    threads: 2,
    recording: `r${place}`,
    ms: ms / times,
    processorMs: (2 * ms) / times,
    peakBytes: 1e8 + place,
    text: texts[place] ?? '',
    ...(output !== undefined && { output: `${output}${place}` }),
  }));
}

/** Peers with invented numbers: `float` as fast as `slow`, `small` 2.5 times, one of whose outputs `copy` shares not. */
export function inventedPeers(): PeerResults {
  const { environment } = readInventedRun().summary.run;
  return {
    schema: PEERS_SCHEMA,
    model: 'A model',
    startedAt: '2026-11-29T00:00:00.000Z',
    finishedAt: '2026-11-29T00:01:00.000Z',
    environment,
    loadAfter: { ...environment.load, lastMinute: 2 },
    othersShare: 0.012,
    method: ['From samples to text.'],
    corpus: 'Three recordings.',
    normaliser: 'plain',
    conditions: [
      condition('float', true),
      condition('small', true),
      condition('slow', false),
      condition('copy', false),
    ],
    beside: ['slow', 'float'],
    float: 'float',
    sameAs: 'small',
    parts: [],
    missing: [{ title: 'absent program', reason: 'it has no converter' }],
    recordings: SAID.map((text, place) => ({ id: `r${place}`, durationS: 1 + place, text })),
    heard: [
      ...hearings('float', 1, SAID, 'f'),
      ...hearings('small', 2.5, HEARD, 's'),
      ...hearings('slow', 1, HEARD),
      ...hearings('copy', 2, HEARD, 's').map((one, place) => (place === 1 ? { ...one, output: 'other' } : one)),
    ],
  };
}
