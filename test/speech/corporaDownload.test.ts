import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError, UnavailableError } from '../../src/errors.js';
import type { Checksum } from '../../src/speech/corpora/checksum.js';
import { downloadFile } from '../../src/speech/corpora/download.js';
import { type CorpusServer, type ServedFile, startCorpusServer } from './corpusServer.js';

let server: CorpusServer;
let folder: string;
let target: string;
let address: string;
let file: ServedFile;
const body = randomBytes(500_000);
const checksum: Checksum = { algorithm: 'md5', value: createHash('md5').update(body).digest('hex') };
const retryPauseMs = 1;

beforeEach(async () => {
  server = await startCorpusServer();
  folder = await mkdtemp(join(tmpdir(), 'quantlab-download-'));
  target = join(folder, 'speech.tar.gz');
  address = `${server.origin}/speech.tar.gz`;
  file = { body };
  server.files.set('/speech.tar.gz', file);
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function refusal(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => {
      throw new Error('no error came');
    },
    (error: unknown) => error as Error,
  );
}

async function expectWhole(): Promise<void> {
  expect((await readFile(target)).equals(body)).toBe(true);
  expect(await readdir(folder)).toEqual(['speech.tar.gz']);
}

describe('a download', () => {
  it('arrives whole, tells its progress, and is not asked for twice', async () => {
    const steps: [number, number | null][] = [];
    await downloadFile([address], target, { checksum, progress: (...step) => steps.push(step) });
    await expectWhole();
    expect(steps[0]).toEqual([0, 500_000]);
    expect(steps.at(-1)).toEqual([500_000, 500_000]);
    await downloadFile([address], target, { checksum });
    expect(server.seen.length).toBe(1);
  });

  it('takes a dropped connection up again within the call', async () => {
    file.dropAfter = 200_000;
    await downloadFile([address], target, { checksum, retryPauseMs });
    await expectWhole();
    const [first, ...later] = server.seen;
    expect(first).toEqual({ path: '/speech.tar.gz', range: undefined, ifRange: undefined });
    expect(later.length).toBeGreaterThanOrEqual(2);
    let begun = 0;
    for (const { range, ifRange } of later) {
      const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]);
      expect(from - begun).toBeGreaterThan(0);
      expect(from - begun).toBeLessThanOrEqual(200_000);
      expect(ifRange).toBe(`"${checksum.value}"`);
      begun = from;
    }
  });

  it('gives up when no byte comes, and continues in the next call', async () => {
    file.dropAfter = 200_000;
    const stopAfterFirst: typeof fetch = (input, init) => {
      if (server.seen.length > 0) file.dropAfter = 0;
      return fetch(input, init);
    };
    const error = await refusal(downloadFile([address], target, { fetch: stopAfterFirst, retryPauseMs }));
    expect(error).toBeInstanceOf(UnavailableError);
    const came = await readFile(`${target}.partial`);
    expect(came.length).toBeGreaterThan(0);
    expect(came.equals(body.subarray(0, came.length))).toBe(true);
    expect(error.message).toContain(`got ${came.length} bytes before the connection dropped; run again to continue`);

    delete file.dropAfter;
    const steps: number[] = [];
    await downloadFile([address], target, { checksum, progress: (received) => steps.push(received) });
    expect(steps[0]).toBe(came.length);
    expect(server.seen.at(-1)?.range).toBe(`bytes=${came.length}-`);
    await expectWhole();
  });

  it('continues by the date when there is no entity tag, and begins anew when there is neither', async () => {
    file.dropAfter = 300_000;
    file.etag = null;
    file.lastModified = 'Sat, 21 Nov 2026 10:00:00 GMT';
    await downloadFile([address], target, { checksum, retryPauseMs });
    expect(server.seen.at(-1)).toMatchObject({
      range: expect.stringMatching(/^bytes=\d+-$/),
      ifRange: file.lastModified,
    });
    await expectWhole();

    await rm(target);
    delete file.lastModified;
    const once: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      delete file.dropAfter;
      return response;
    };
    await downloadFile([address], target, { checksum, retryPauseMs, fetch: once });
    expect(server.seen.at(-1)?.range).toBeUndefined();
    await expectWhole();
  });

  it('begins anew when the file was changed meanwhile', async () => {
    await writeFile(`${target}.partial`, randomBytes(1000));
    await writeFile(`${target}.partial.json`, JSON.stringify({ address, validator: '"an older version"' }));
    await downloadFile([address], target, { checksum });
    expect(server.seen[0]?.range).toBe('bytes=1000-');
    await expectWhole();
  });

  it('begins anew when the remembered version is unreadable', async () => {
    await writeFile(`${target}.partial`, randomBytes(1000));
    await writeFile(`${target}.partial.json`, '{"addr');
    await downloadFile([address], target, { checksum });
    expect(server.seen[0]?.range).toBeUndefined();
    await expectWhole();
  });

  it('knows that a partial file is whole already', async () => {
    await writeFile(`${target}.partial`, body);
    await writeFile(`${target}.partial.json`, JSON.stringify({ address, validator: `"${checksum.value}"` }));
    await downloadFile([address], target, { checksum });
    expect(server.seen.length).toBe(1);
    await expectWhole();
  });

  it('refuses another content and deletes it', async () => {
    const wrong: Checksum = { algorithm: 'sha256', value: '0'.repeat(64) };
    const error = await refusal(downloadFile([address], target, { checksum: wrong }));
    expect(error).toBeInstanceOf(InputError);
    const came = createHash('sha256').update(body).digest('hex');
    expect(error.message).toMatch(
      new RegExp(`^${address}: sha256 0{64} was required, got ${came}; the download is deleted`),
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('says what the server answered', async () => {
    const error = await refusal(downloadFile([`${server.origin}/nowhere`], target));
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error.message).toMatch(/\/nowhere: status 200 was required, got 404 Not Found/);
    expect(await readdir(folder)).toEqual([]);
  });

  it('says that nobody answers', async () => {
    const closed = await startCorpusServer();
    await closed.close();
    const error = await refusal(downloadFile([`${closed.origin}/a`], target));
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error.message).toMatch(/\/a: an answer was required, got connect ECONNREFUSED/);
  });

  it('goes to the next address, and names all when none answers', async () => {
    server.files.set('/busy', { body, status: 503 });
    await downloadFile([`${server.origin}/busy`, address], target, { checksum });
    await expectWhole();
    await rm(target);
    const error = await refusal(downloadFile([`${server.origin}/busy`, `${server.origin}/nowhere`], target));
    expect(error.message).toMatch(/\/busy: .*503.*\n.*\/nowhere: .*404/);
  });

  it('takes a .tar.gz that the server sends as encoded', async () => {
    file.body = gzipSync(body);
    file.contentEncoding = 'gzip';
    await downloadFile([address], target);
    await expectWhole();
  });

  it('takes a .tar.gz that the server only labels as encoded: the checksum is of the bytes as they are', async () => {
    const archive = gzipSync(body);
    file.body = archive;
    file.contentEncoding = 'gzip';
    file.dropAfter = 200_000;
    const published: Checksum = { algorithm: 'sha256', value: createHash('sha256').update(archive).digest('hex') };
    await downloadFile([address], target, { checksum: published, retryPauseMs });
    expect((await readFile(target)).equals(archive)).toBe(true);
    // One that compresses on the way: the checksum is of what is inside.
    await rm(target);
    delete file.dropAfter;
    await downloadFile([address], target, { checksum });
    await expectWhole();
  });

  it('asks the next address where the bytes of one are not those of the checksum', async () => {
    server.files.set('/wrong', { body: randomBytes(1000) });
    await downloadFile([`${server.origin}/wrong`, address], target, { checksum });
    await expectWhole();
    await rm(target);
    const error = await refusal(
      downloadFile([`${server.origin}/wrong`, `${server.origin}/none`], target, { checksum }),
    );
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(/\/wrong: md5 .* was required, got .*\n.*\/none: .*404/);
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses plain HTTP where no checksum can tell, also where a server sends on to it', async () => {
    const error = await refusal(downloadFile(['http://corpus.example/a.tar.gz'], target));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toBe(
      'http://corpus.example/a.tar.gz: https was required of a file without a checksum, got http; give its checksum, or another address',
    );
    file.location = 'http://corpus.example/b.tar.gz';
    const sentOn = await refusal(downloadFile([address], target));
    expect(sentOn.message).toMatch(/b\.tar\.gz: https was required/);
    file.location = `${server.origin}/moved`;
    server.files.set('/moved', { body });
    await downloadFile([address], target);
    await expectWhole();
  });

  it('begins an encoded .tar.gz anew after a dropped connection: ranges would count other bytes', async () => {
    file.body = gzipSync(body);
    file.contentEncoding = 'gzip';
    file.dropAfter = 250_000;
    const once: typeof fetch = (input, init) => {
      if (server.seen.length > 0) delete file.dropAfter;
      return fetch(input, init);
    };
    await downloadFile([address], target, { fetch: once, retryPauseMs });
    expect(server.seen.map(({ range }) => range)).toEqual([undefined, undefined]);
    await expectWhole();
  });

  it('does not join a range that begins elsewhere', async () => {
    await writeFile(`${target}.partial`, body.subarray(0, 1000));
    await writeFile(`${target}.partial.json`, JSON.stringify({ address, validator: `"${checksum.value}"` }));
    file.rangeShift = 10;
    await downloadFile([address], target, { checksum, retryPauseMs });
    expect(server.seen.map(({ range }) => range)).toEqual(['bytes=1000-', undefined]);
    await expectWhole();
  });

  it('does not continue by a weak entity tag', async () => {
    file.etag = 'W/"weak"';
    file.dropAfter = 200_000;
    const once: typeof fetch = (input, init) => {
      if (server.seen.length > 0) delete file.dropAfter;
      return fetch(input, init);
    };
    await downloadFile([address], target, { checksum, fetch: once, retryPauseMs });
    expect(server.seen.map(({ range }) => range)).toEqual([undefined, undefined]);
    await expectWhole();
  });

  it('continues at the server where it was begun, and begins anew at another', async () => {
    const mirror = `${server.origin}/mirror.tar.gz`;
    server.files.set('/mirror.tar.gz', { body });
    await writeFile(`${target}.partial`, body.subarray(0, 1000));
    await writeFile(`${target}.partial.json`, JSON.stringify({ address: mirror, validator: `"${checksum.value}"` }));
    await downloadFile([address, mirror], target, { checksum });
    expect(server.seen).toMatchObject([{ path: '/mirror.tar.gz', range: 'bytes=1000-' }]);
    await expectWhole();

    await rm(target);
    await writeFile(`${target}.partial`, body.subarray(0, 1000));
    await writeFile(`${target}.partial.json`, JSON.stringify({ address: mirror, validator: `"${checksum.value}"` }));
    server.seen.length = 0;
    await downloadFile([address], target, { checksum });
    expect(server.seen).toMatchObject([{ path: '/speech.tar.gz', range: undefined }]);
    await expectWhole();
  });

  it('says that the disk has no room for what the server announces', async () => {
    file.statedLength = 2 ** 52;
    file.stallAfter = 1000;
    const error = await refusal(downloadFile([address], target));
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error.message).toMatch(/MB of free disk were required/);
    expect(await readdir(folder)).toEqual([]);
  });

  it('does not begin when it was stopped before', async () => {
    const error = await refusal(downloadFile([address], target, { signal: AbortSignal.abort(new Error('no')) }));
    expect(error.message).toBe('no');
    expect(server.seen).toEqual([]);
  });

  it('says that the folder cannot be made', async () => {
    await writeFile(join(folder, 'a-file'), '');
    const error = await refusal(downloadFile([address], join(folder, 'a-file', 'speech.tar.gz')));
    expect(error.name).toMatch(/InputError|UnavailableError/);
    expect(error.message).toContain('a-file');
  });
});
