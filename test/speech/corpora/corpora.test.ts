import { createHash, randomBytes } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError, UnavailableError } from '../../../src/errors.js';
import { type Corpus, type CorpusProgress, getCorpus, listCorpora } from '../../../src/speech/corpora/corpora.js';
import {
  type CorpusServer,
  makeTarGz,
  startCorpusServer,
  type TarEntry,
  tinyAn4,
  tinyLibriSpeech,
} from '../corpusServer.js';

let server: CorpusServer;
let folder: string;

beforeEach(async () => {
  server = await startCorpusServer();
  folder = await mkdtemp(join(tmpdir(), 'quantlab-corpora-'));
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function serve(entries: readonly TarEntry[], change: Partial<Corpus> = {}): Promise<Corpus> {
  const body = await makeTarGz(entries);
  server.files.set('/tiny.tar.gz', { body });
  return {
    name: 'tiny',
    title: 'a tiny corpus',
    page: server.origin,
    addresses: [`${server.origin}/tiny.tar.gz`],
    checksum: { algorithm: 'md5', value: createHash('md5').update(body).digest('hex') },
    archiveSizeBytes: body.length,
    hours: 0,
    licence: 'none',
    layout: 'an4',
    ...change,
  };
}

async function readManifestLines(path: string): Promise<unknown[]> {
  return (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

async function refusal(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => {
      throw new Error('no error came');
    },
    (error: unknown) => error as Error,
  );
}

describe('the list', () => {
  it('has unique names, an address, a size, a licence; the OpenSLR parts have their published MD5', () => {
    const names = listCorpora().map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const corpus of listCorpora()) {
      expect(corpus.name).toMatch(/^[a-z0-9-]+$/);
      expect(corpus.addresses.every((address) => URL.canParse(address))).toBe(true);
      expect(corpus.archiveSizeBytes).toBeGreaterThan(1e7);
      expect(corpus.licence).not.toBe('');
      if (corpus.layout === 'librispeech') expect(corpus.checksum?.value).toMatch(/^[0-9a-f]{32}$/);
    }
    expect(new Set(listCorpora().map(({ addresses }) => addresses[0])).size).toBe(names.length);
  });

  it('refuses a name that it does not have, and says which it has', async () => {
    const error = await refusal(getCorpus('an5', { folder }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(/^corpus an5: .*an4.*librispeech-dev-clean/);
  });
});

describe('getting a corpus', () => {
  it('downloads, unpacks and indexes AN4; a second call does nothing', async () => {
    const corpus = await serve(tinyAn4);
    const stages: CorpusProgress[] = [];
    const got = await getCorpus(corpus, { folder, progress: (progress) => stages.push(progress) });
    expect(got.wasThere).toBe(false);
    expect(got.manifests).toEqual([
      { part: 'train', path: join(folder, 'tiny', 'train.jsonl'), utterances: 2, durationS: 3.5 },
      { part: 'test', path: join(folder, 'tiny', 'test.jsonl'), utterances: 1, durationS: 4 },
    ]);
    expect(await readManifestLines(join(folder, 'tiny', 'test.jsonl'))).toEqual([
      {
        id: 'an406-fcaw-b',
        audio_filepath: 'an4/wav/an4test_clstk/fcaw/an406-fcaw-b.sph',
        duration: 4,
        text: 'rubout g m e f three nine',
        speaker: 'fcaw',
      },
    ]);
    expect(await readManifestLines(join(folder, 'tiny', 'train.jsonl'))).toMatchObject([
      { id: 'an251-fash-b', text: 'yes', speaker: 'fash', duration: 1 },
      { id: 'cen7-mkem-b', text: 'enter six two four', speaker: 'mkem', duration: 2.5 },
    ]);
    expect(await readdir(folder)).toEqual(['tiny']);
    expect(new Set(stages.map(({ stage }) => stage))).toEqual(new Set(['download', 'unpack', 'index']));
    const last = stages.filter(({ stage }) => stage === 'download').at(-1);
    expect(last).toEqual({ stage: 'download', done: corpus.archiveSizeBytes, total: corpus.archiveSizeBytes });

    const asked = server.seen.length;
    const again = await getCorpus(corpus, { folder });
    expect(again).toEqual({ ...got, wasThere: true });
    expect(server.seen.length).toBe(asked);
  });

  it('indexes LibriSpeech in the order of its numbers', async () => {
    const { manifests } = await getCorpus(await serve(tinyLibriSpeech, { layout: 'librispeech' }), { folder });
    expect(manifests).toEqual([
      {
        part: 'dev-tiny',
        path: join(folder, 'tiny', 'dev-tiny.jsonl'),
        utterances: 3,
        durationS: 2.09 + 10.075 + 5.855,
      },
    ]);
    expect(await readManifestLines(join(folder, 'tiny', 'dev-tiny.jsonl'))).toEqual([
      {
        id: '84-121123-0000',
        audio_filepath: 'LibriSpeech/dev-tiny/84/121123/84-121123-0000.flac',
        duration: 2.09,
        text: 'go do you hear',
        speaker: '84',
      },
      expect.objectContaining({ id: '84-121123-0001', text: "but in less than five minutes the staircase's" }),
      expect.objectContaining({ id: '1272-128104-0000', speaker: '1272', duration: 5.855 }),
    ]);
  });

  it('uses an archive that lies there already, after checking it, and keeps it when asked', async () => {
    const corpus = await serve(tinyAn4);
    await writeFile(join(folder, 'tiny.tar.gz'), server.files.get('/tiny.tar.gz')?.body ?? '');
    const stages = new Set<string>();
    await getCorpus(corpus, { folder, keepArchive: true, progress: ({ stage }) => stages.add(stage) });
    expect(stages).toContain('verify');
    expect(server.seen).toEqual([]);
    expect((await readdir(folder)).sort()).toEqual(['tiny', 'tiny.tar.gz']);
  });

  it('refuses an archive that lies there with another checksum', async () => {
    const corpus = await serve(tinyAn4);
    await writeFile(join(folder, 'tiny.tar.gz'), 'something else');
    const error = await refusal(getCorpus(corpus, { folder }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(/tiny\.tar\.gz: md5 .* was required.*delete it/);
    expect(await readdir(folder)).toEqual(['tiny.tar.gz']);
  });

  it('leaves a folder with other files alone', async () => {
    const corpus = await serve(tinyAn4, { name: '.' });
    await writeFile(join(folder, 'mine.txt'), 'mine');
    const error = await refusal(getCorpus(corpus, { folder }));
    expect(error.message).toMatch(/an empty or absent folder was required/);
    expect(await readdir(folder)).toEqual(['mine.txt']);
    expect(server.seen).toEqual([]);
  });

  it('leaves nothing when the archive is hostile, and nothing outside the folder', async () => {
    const corpus = await serve([...tinyAn4, { name: '../escaped.txt', body: 'out' }], { checksum: null });
    const error = await refusal(getCorpus(corpus, { folder: join(folder, 'inner') }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toContain('"../escaped.txt"');
    expect(await readdir(join(folder, 'inner'))).toEqual([]);
    await expect(access(join(folder, 'inner', 'escaped.txt'))).rejects.toThrow();
    await expect(access(join(folder, 'escaped.txt'))).rejects.toThrow();
  });

  it('names the file when a listed recording is missing or has no header', async () => {
    const missing = await serve(tinyAn4.filter(({ name }) => !name.endsWith('an406-fcaw-b.sph')));
    expect((await refusal(getCorpus(missing, { folder }))).message).toMatch(/an406-fcaw-b\.sph: a file was required/);
    const broken = await serve(
      tinyAn4.map((entry) => (entry.name.endsWith('fash-b.sph') ? { ...entry, body: 'RIFX' } : entry)),
    );
    await rm(join(folder, 'tiny.tar.gz'));
    const error = await refusal(getCorpus(broken, { folder }));
    expect(error.message).toMatch(/an251-fash-b\.sph: a WAV, FLAC or SPHERE header/);
    // The archive is as published, so it stays; the unpacked part does not.
    expect(await readdir(folder)).toEqual(['tiny.tar.gz']);
  });

  it('names the line when a transcript is broken, and the layout when it is another corpus', async () => {
    const withLine = (line: string): TarEntry[] =>
      tinyAn4.map((entry) =>
        entry.name === 'an4/etc/an4_test.transcription' ? { ...entry, body: `FINE (an406-fcaw-b)\n${line}\n` } : entry,
      );
    const noId = await serve(withLine('NO ID HERE'), { checksum: null });
    expect((await refusal(getCorpus(noId, { folder }))).message).toMatch(
      /an4_test\.transcription:2: words and \(id\) were required, got "NO ID HERE"/,
    );
    const upwards = await serve(withLine('UP (../../an406-fcaw-b)'), { checksum: null });
    expect((await refusal(getCorpus(upwards, { folder }))).message).toMatch(
      /an4_test\.transcription:2: an id like an406-fcaw-b was required/,
    );
    const other = await serve(tinyLibriSpeech, { checksum: null });
    expect((await refusal(getCorpus(other, { folder }))).message).toMatch(
      /an4\/etc\/an4_train\.transcription was required/,
    );
    const libri = await serve(
      tinyLibriSpeech.map((entry) =>
        entry.name.endsWith('1272-128104.trans.txt') ? { ...entry, body: 'words only\n' } : entry,
      ),
      { checksum: null, layout: 'librispeech' },
    );
    expect((await refusal(getCorpus(libri, { folder }))).message).toMatch(
      /1272-128104\.trans\.txt:1: an id and words were required, got "words only"/,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('continues after Ctrl-C where it was', async () => {
    const corpus = await serve([...tinyAn4, { name: 'an4/noise.bin', body: randomBytes(300_000) }]);
    const file = server.files.get('/tiny.tar.gz');
    if (!file) throw new Error('no file');
    file.stallAfter = 100_000;
    const stop = new AbortController();
    const error = await refusal(
      getCorpus(corpus, {
        folder,
        signal: stop.signal,
        progress: ({ done }) => {
          if (done >= 100_000) stop.abort(new Error('stopped by hand'));
        },
      }),
    );
    expect(error.message).toBe('stopped by hand');
    expect((await readdir(folder)).sort()).toEqual(['tiny.tar.gz.partial', 'tiny.tar.gz.partial.json']);

    delete file.stallAfter;
    const got = await getCorpus(corpus, { folder });
    expect(got.manifests.map(({ utterances }) => utterances)).toEqual([2, 1]);
    expect(server.seen.at(-1)?.range).toBe('bytes=100000-');
    expect(await readdir(folder)).toEqual(['tiny']);
  });

  it('throws away what a killed run had unpacked', async () => {
    const corpus = await serve(tinyAn4);
    await mkdir(join(folder, 'tiny.partial'));
    await writeFile(join(folder, 'tiny.partial', 'half-a-file'), 'half');
    await getCorpus(corpus, { folder });
    expect((await readdir(join(folder, 'tiny'))).sort()).toEqual(['an4', 'corpus.json', 'test.jsonl', 'train.jsonl']);
    expect(await readdir(folder)).toEqual(['tiny']);
  });

  it('leaves only the archive when stopped while unpacking', async () => {
    const corpus = await serve(tinyAn4);
    const stop = new AbortController();
    const error = await refusal(
      getCorpus(corpus, {
        folder,
        signal: stop.signal,
        progress: ({ stage }) => {
          if (stage === 'index') stop.abort(new Error('stopped by hand'));
        },
      }),
    );
    expect(error.message).toBe('stopped by hand');
    expect(await readdir(folder)).toEqual(['tiny.tar.gz']);
    expect((await getCorpus(corpus, { folder })).manifests.length).toBe(2);
    expect(server.seen.length).toBe(1);
  });

  it('asks the next mirror where the first has something else and no checksum can tell', async () => {
    const corpus = await serve(tinyAn4, { checksum: null });
    server.files.set('/wrong/tiny.tar.gz', { body: await makeTarGz([{ name: 'index.html', body: 'moved' }]) });
    const addresses = [`${server.origin}/wrong/tiny.tar.gz`, ...corpus.addresses];
    const { manifests } = await getCorpus({ ...corpus, addresses }, { folder });
    expect(manifests.map(({ part }) => part)).toEqual(['train', 'test']);
    expect(listCorpora().flatMap((one) => (one.checksum === null ? one.addresses : []))).not.toContainEqual(
      expect.stringMatching(/^http:/),
    );
  });

  it('says beforehand that the disk has no room', async () => {
    const corpus = await serve(tinyAn4, { archiveSizeBytes: 2 ** 60 });
    const error = await refusal(getCorpus(corpus, { folder }));
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error.message).toMatch(/MB of free disk were required/);
    expect(server.seen).toEqual([]);
  });

  it.runIf(process.platform === 'linux')('says that the disk became full, and keeps what came', async () => {
    const corpus = await serve(tinyAn4);
    // Every write to /dev/full fails with ENOSPC, as on a full disk (full(4)).
    await symlink('/dev/full', join(folder, 'tiny.tar.gz.partial'));
    const error = await refusal(getCorpus(corpus, { folder }));
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error.message).toMatch(/tiny\.tar\.gz\.partial: room on the disk was required, got ENOSPC/);
    expect(await readdir(folder)).toContain('tiny.tar.gz.partial');
    expect(await readdir(folder)).not.toContain('tiny');
  });
});
