/**
 * Other programs beside ours, on the same weights and recordings: `npm run peers -- [options]` writes `data/results/peers`.
 *
 *     npm run peers                                                        # deepspeech2: the shipped model, the hold-out
 *     npm run peers -- --whisper CT2_FOLDER --recordings MANIFEST.jsonl    # and a Whisper as faster-whisper keeps it
 *
 * Linux. The first time it installs Python packages, some minutes; then deepspeech2 takes some two minutes and Whisper `--minutes`
 * and one. `--only whisper|deepspeech2` does one of both, `--folder` keeps the models that are made (600 MB), `--python` is one with
 * the packages of requirements.txt, `--count N --seed S` draws recordings for Whisper, `--conditions REGEX` names conditions by id,
 * `--out FOLDER` is for trials that nobody publishes.
 *
 * Each condition is a process of its own that stays alive; a recording goes through all of them, in an order that turns, before the
 * next does, and a ratio is taken within a recording. A peer that cannot be had is named with the reason, and the rest goes on.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readAudio, readManifest, type Utterance } from 'quantlab';
import { PEERS_SCHEMA, type PeerResults, peersFile, readBusyness, readEnvironment, writePeers } from 'quantlab/measure';
import { buildPeersTable, tableToText } from 'quantlab/report';
import * as deepspeech2 from '../deepspeech2/conditions.js';
import * as whisper from '../whisper/conditions.js';
import { peersPython } from './programs.js';
import { type Condition, hearInTurns, type Missing, modelBytes, type Protocol, type Sound } from './turns.js';

const { values } = parseArgs({
  options: {
    whisper: { type: 'string' },
    recordings: { type: 'string' },
    only: { type: 'string' },
    folder: { type: 'string' },
    python: { type: 'string' },
    count: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '8' },
    margin: { type: 'string', default: '4' },
    conditions: { type: 'string', default: '' },
    out: { type: 'string' },
  },
});
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const isWanted = (name: string): boolean => values.only === undefined || values.only === name;

/** What is said of a set of conditions besides what was observed. */
type Facts = Pick<PeerResults, 'model' | 'method' | 'corpus' | 'normaliser' | 'beside' | 'float' | 'sameAs' | 'parts'>;

type Recording = Sound & PeerResults['recordings'][number];

async function measure(
  path: string,
  facts: Facts,
  { conditions, missing }: { readonly conditions: readonly Condition[]; readonly missing: readonly Missing[] },
  recordings: readonly Recording[],
  protocol: Protocol,
  /** Folders whose names are nobody's business. */
  hidden: readonly string[],
): Promise<void> {
  const wanted = conditions.filter(({ id }) => new RegExp(values.conditions).test(id));
  const environment = await readEnvironment();
  const startedAt = new Date().toISOString();
  const turns = await hearInTurns(wanted, recordings, protocol, say);
  const loadAfter = readBusyness(environment.logicalCores);
  const measured = wanted.filter(({ id }) => turns.versions.has(id));
  const here = new Set(measured.map(({ id }) => id));
  const results: PeerResults = {
    schema: PEERS_SCHEMA,
    ...facts,
    beside: facts.beside.filter((id) => here.has(id)),
    startedAt,
    finishedAt: new Date().toISOString(),
    environment,
    loadAfter,
    othersShare: turns.othersShare,
    conditions: await Promise.all(
      measured.map(async ({ id, title, description, isOurs, files }) => {
        const [version, made] = [turns.versions.get(id) ?? '', turns.sizes.get(id)];
        return { id, title, description, isOurs, version, sizeBytes: made ?? (await modelBytes(files)) };
      }),
    ),
    missing: [...missing, ...turns.missing].map(({ title, reason }) => {
      return { title, reason: hidden.reduce((text, folder) => text.replaceAll(folder, '…'), reason) };
    }),
    recordings: recordings
      .filter(({ id }) => turns.heard.some(({ recording }) => recording === id))
      .map(({ id, durationS, text }) => ({ id, durationS, text })),
    heard: turns.heard,
  };
  await writePeers(path, results);
  process.stdout.write(`${tableToText(buildPeersTable(results))}\n`);
  say(path);
}

/** So many of the recordings, drawn without replacement by a seed. */
function drawn(all: readonly Utterance[], count: number, seed: number): readonly Utterance[] {
  // Park and Miller's generator: the same everywhere.
  let state = seed;
  const keyed = all.map((one): [number, Utterance] => {
    state = (state * 48_271) % 2_147_483_647;
    return [state, one];
  });
  return keyed
    .sort(([a], [b]) => a - b)
    .slice(0, count)
    .map(([, one]) => one);
}

async function writeSamples(folder: string, utterances: readonly Utterance[]): Promise<readonly Recording[]> {
  const sounds = join(folder, 'sounds');
  await mkdir(sounds, { recursive: true });
  const written: Recording[] = [];
  for (const { id, audioPath, durationS, text } of utterances) {
    const { samples, sampleRateHz } = await readAudio(audioPath);
    if (sampleRateHz !== 16_000) throw new Error(`${audioPath}: 16 kHz were required, got ${sampleRateHz} Hz`);
    const path = join(sounds, `${written.length}.f32`);
    await writeFile(path, new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
    written.push({ id, path, durationS, text });
  }
  return written;
}

const python = values.python ?? (await peersPython(say));
const folder = values.folder ?? (await mkdtemp(join(tmpdir(), 'quantlab-peers-')));
try {
  if (isWanted('deepspeech2')) {
    say('DeepSpeech 2: making the models …');
    const own = join(folder, 'deepspeech2');
    const made = await deepspeech2.makeConditions(own, python);
    await measure(
      peersFile('deepspeech2', values.out),
      {
        model: 'deepspeech2-lstm',
        method: [
          'A time is that of the network alone, from features to log-probabilities: the best of these is decoded alike. In each turn a recording is heard once uncounted and five times counted; the median counts.',
        ],
        corpus: 'The hold-out of recorded prompts (data/speech, CC BY-SA 3.0).',
        normaliser: 'plain',
        beside: ['pytorch-int8', 'pytorch-float32'],
        float: 'quantlab-float32',
        sameAs: 'quantlab-int8',
        parts: [],
      },
      made,
      await deepspeech2.writeFeatures(own),
      { threads: [2], minutes: Number(values.minutes), uncounted: 1, counted: 5 },
      [folder],
    );
  }
  if (isWanted('whisper')) {
    const { whisper: weights, recordings } = values;
    if (weights === undefined || recordings === undefined) {
      say(
        'Whisper: --whisper (a folder of CTranslate2) and --recordings (a manifest) were required, got none; left out',
      );
    } else {
      say('Whisper: making the models …');
      const own = join(folder, 'whisper');
      const made = await whisper.makeConditions({ weights, folder: own, python, marginS: values.margin });
      await measure(
        peersFile('whisper', values.out),
        {
          model: 'Whisper tiny.en',
          method: [
            'A time is from samples to text. The likeliest token is taken, without timestamps, and nothing is heard twice but where it is said.',
          ],
          corpus: `Test recordings of LibriSpeech (CC BY 4.0), drawn by seed ${values.seed}; texts compared by Whisper's own normaliser.`,
          normaliser: 'whisper',
          beside: ['faster-whisper-int8', 'openai-whisper-float32'],
          float: 'quantlab-float32',
          parts: ['features', 'encoder', 'decoder'],
        },
        made,
        await writeSamples(own, drawn(await readManifest(recordings), Number(values.count), Number(values.seed))),
        { threads: [2, 1], minutes: Number(values.minutes), uncounted: 0, counted: 1 },
        [folder, weights],
      );
    }
  }
} finally {
  if (values.folder === undefined) await rm(folder, { recursive: true, force: true });
}
