import { readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { didYouMean, InputError, QuantlabError } from '../../errors.js';
import { describeFileError, readJson, writeFileAtomic } from '../../files.js';
import { type Checksum, verifyChecksum } from './checksum.js';
import { type CorpusLayout, type WrittenManifest, writeCorpusManifests } from './corpusLayouts.js';
import { downloadFile, requireRoom } from './download.js';
import { unpackTar } from './unpack.js';

/** A public speech corpus, or a part of one that is published as an archive of its own. */
export interface Corpus {
  /** What it is asked for by; also the name of its folder. */
  readonly name: string;
  /** One line for people. */
  readonly title: string;
  /** The publisher's page. */
  readonly page: string;
  /** The archive at the publisher and at mirrors, in the order in which they are tried. */
  readonly addresses: readonly string[];
  /** As the publisher gives it; `null` when none is published. */
  readonly checksum: Checksum | null;
  /** Size of the archive in bytes; rounded for AN4, exact for the others. */
  readonly archiveSizeBytes: number;
  /** Hours of speech, rounded. */
  readonly hours: number;
  readonly licence: string;
  readonly layout: CorpusLayout;
}

/** What {@link getCorpus} is doing; `done` and `total` are bytes of the archive, in stage `index` utterances. */
export interface CorpusProgress {
  readonly stage: 'download' | 'verify' | 'unpack' | 'index';
  readonly done: number;
  /** `null` when it is not known. */
  readonly total: number | null;
}

/** Options of {@link getCorpus}. */
export interface GetCorpusOptions {
  /** Folder for corpora; each lies in a folder of its name there. */
  readonly folder: string;
  /** Keep the archive beside the corpus; false by default. */
  readonly keepArchive?: boolean;
  /** Network access; the global `fetch` by default. */
  readonly fetch?: typeof globalThis.fetch;
  /** Called as the work goes on. */
  readonly progress?: (progress: CorpusProgress) => void;
  /** Stops the work; a download that was begun stays as `.partial` and is continued by the next call. */
  readonly signal?: AbortSignal;
  /** Pause before a dropped connection is taken up again, in milliseconds; 1000 by default. */
  readonly retryPauseMs?: number;
}

/** A corpus that is ready for use. */
export interface CorpusOnDisk {
  readonly corpus: Corpus;
  /** The corpus's own folder. */
  readonly folder: string;
  readonly manifests: readonly WrittenManifest[];
  /** True when it was there before and nothing had to be done. */
  readonly wasThere: boolean;
}

/**
 * Sources. LibriSpeech: MD5 of https://www.openslr.org/resources/12/md5sum.txt and https://www.openslr.org/resources/31/md5sum.txt,
 * as lhotse and PaddleSpeech quote them; mirrors of https://www.openslr.org/12/; sizes of Kaldi's download_and_untar.sh ("final
 * release"); hours of Panayotov et al. 2015, table 1 (of the mini parts: their names). AN4: size of CMU's page, which gives no checksum
 * and no https, and therefore the copies that NVIDIA's NeMo and ESPnet use; hours counted from its recordings.
 */
const CORPORA = new URL('../../../data/corpora.json', import.meta.url);

let corpora: readonly Corpus[] | undefined;

/** Public corpora known by name, the smallest of each kind first. */
export function listCorpora(): readonly Corpus[] {
  corpora ??= JSON.parse(readFileSync(CORPORA, 'utf8')) as readonly Corpus[];
  return corpora;
}

function findCorpus(name: string): Corpus {
  const found = listCorpora().find((corpus) => corpus.name === name);
  if (found) return found;
  const known = listCorpora().map((corpus) => corpus.name);
  throw new InputError(
    `corpus ${name}: one of the known corpora was required, got ${name}; choose from ${known.join(', ')} ${didYouMean(name, known)}`.trimEnd(),
  );
}

const recordSchema: z.ZodType<{ readonly manifests: readonly WrittenManifest[] }> = z.object({
  manifests: z.array(z.object({ part: z.string(), path: z.string(), utterances: z.number(), durationS: z.number() })),
});

/** Written last, into the unpacked corpus: what was got, from where, and the manifests relative to the folder. */
const recordName = 'corpus.json';

async function readRecord(folder: string): Promise<readonly WrittenManifest[] | null> {
  const entries: readonly string[] = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw describeFileError(folder, error);
  });
  if (entries.length === 0) return null;
  if (!entries.includes(recordName)) {
    throw new InputError(
      `${folder}: an empty or absent folder was required, got one with other files; choose another folder or empty it`,
    );
  }
  const { manifests } = await readJson(join(folder, recordName), recordSchema);
  return manifests.map((manifest) => ({ ...manifest, path: join(folder, manifest.path) }));
}

/**
 * Gets a public corpus: downloads its archive (continued where an earlier call stopped), checks it, unpacks it and
 * writes a manifest a part. The corpus's folder appears only when all is done; a second call finds it and does nothing.
 *
 * @param nameOrCorpus - a name of {@link listCorpora}, or the description of a corpus of the same layouts elsewhere
 * @returns where it lies, and its manifests
 * @throws {InputError} when the name is unknown, the checksum differs, the archive is refused or its content is not of
 * the layout
 * @throws {UnavailableError} when the network or the disk fails; run again to continue
 * @throws the signal's reason when stopped
 * @example
 * const { manifests } = await getCorpus('mini-librispeech-dev-clean-2', { folder: 'corpora' });
 * // manifests[0].path is corpora/mini-librispeech-dev-clean-2/dev-clean-2.jsonl
 */
export async function getCorpus(nameOrCorpus: string | Corpus, options: GetCorpusOptions): Promise<CorpusOnDisk> {
  const corpus = typeof nameOrCorpus === 'string' ? findCorpus(nameOrCorpus) : nameOrCorpus;
  const folder = join(options.folder, corpus.name);
  const present = await readRecord(folder);
  if (present) return { corpus, folder, manifests: present, wasThere: true };

  // Where no checksum tells of other bytes, the unpacked archive does: then the next address is asked, too.
  const last = corpus.checksum === null ? corpus.addresses.length - 1 : 0;
  for (let first = 0; ; first++) {
    try {
      return await fetchCorpus(corpus, corpus.addresses.slice(first), folder, options);
    } catch (error) {
      if (!(error instanceof InputError) || first >= last) throw error;
    }
  }
}

/** Downloads, checks, unpacks and lists a corpus. */
async function fetchCorpus(
  corpus: Corpus,
  addresses: readonly string[],
  folder: string,
  options: GetCorpusOptions,
): Promise<CorpusOnDisk> {
  const { signal, progress } = options;
  const archive = join(options.folder, basename(new URL(corpus.addresses[0] ?? '').pathname));
  const archiveWasThere = await stat(archive).then(
    () => true,
    () => false,
  );
  await downloadFile(addresses, archive, {
    checksum: corpus.checksum,
    expectedBytes: corpus.archiveSizeBytes,
    progress: (done, total) => progress?.({ stage: 'download', done, total }),
    ...(options.fetch && { fetch: options.fetch }),
    ...(signal && { signal }),
    ...(options.retryPauseMs !== undefined && { retryPauseMs: options.retryPauseMs }),
  });
  const { size } = await stat(archive);
  if (archiveWasThere && corpus.checksum) {
    progress?.({ stage: 'verify', done: 0, total: size });
    await verifyChecksum(archive, corpus.checksum, signal);
    progress?.({ stage: 'verify', done: size, total: size });
  }

  const unpacking = join(options.folder, `${corpus.name}.partial`);
  try {
    await rm(unpacking, { recursive: true, force: true });
    // Speech hardly shrinks in gzip: what is unpacked is at least as large as the archive, and not many times larger.
    await requireRoom(options.folder, size);
    await mkdir(unpacking, { recursive: true });
    await unpackTar(archive, unpacking, {
      maxBytes: Math.max(1e9, size * 10),
      progress: (done) => progress?.({ stage: 'unpack', done, total: size }),
      ...(signal && { signal }),
    });
    const manifests = await writeCorpusManifests(corpus.layout, unpacking, {
      progress: (done) => progress?.({ stage: 'index', done, total: null }),
      ...(signal && { signal }),
    });
    const record = { corpus, manifests: manifests.map((written) => ({ ...written, path: basename(written.path) })) };
    await writeFileAtomic(join(unpacking, recordName), `${JSON.stringify(record, null, 2)}\n`);
    await rename(unpacking, folder);
    if (!options.keepArchive) await rm(archive, { force: true });
    return {
      corpus,
      folder,
      manifests: record.manifests.map((written) => ({ ...written, path: join(folder, written.path) })),
      wasThere: false,
    };
  } catch (error) {
    await rm(unpacking, { recursive: true, force: true }).catch(() => undefined);
    // Where no checksum could tell, content that is no corpus shows a bad download: the next call fetches it afresh.
    if (error instanceof InputError && corpus.checksum === null) await rm(archive, { force: true });
    if (error instanceof QuantlabError || signal?.aborted) throw error;
    throw describeFileError(folder, error);
  }
}
