import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { InputError, QuantlabError, UnavailableError } from '../../errors.js';
import { describeFileError, makeFolder, writeFileAtomic } from '../../files.js';
import { type Checksum, verifyChecksum } from './checksum.js';
import { fetchRaw } from './fetchRaw.js';

/** Options of {@link downloadFile}. */
export interface DownloadOptions {
  /** Checked before the file gets its name; `null` when none is published. */
  readonly checksum?: Checksum | null;
  /** Bytes that the file will have, when known: the room on the disk is checked before the server answers. */
  readonly expectedBytes?: number | null;
  /** Network access. Default: bytes as the server has them; `fetch` decodes those that are labelled as encoded. */
  readonly fetch?: typeof globalThis.fetch;
  /** Called with the bytes on the disk, those of an earlier run included, and the total when the server states it. */
  readonly progress?: (receivedBytes: number, totalBytes: number | null) => void;
  /** Stops the download; what came stays in `<path>.partial` for the next call. */
  readonly signal?: AbortSignal;
  /** Pause before a dropped connection is taken up again, in milliseconds; 1000 by default. */
  readonly retryPauseMs?: number;
}

/** What is remembered beside a partial file: it may only be continued from the same version at the same address. */
interface PartialState {
  readonly address: string;
  readonly validator: string;
}

/** Dropped connections in a row, none of which brought a byte, before an address is given up. */
const fruitlessTries = 3;

function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

async function readState(path: string): Promise<PartialState | null> {
  try {
    const state: unknown = JSON.parse(await readFile(path, 'utf8'));
    const { address, validator } = state as Partial<PartialState>;
    return typeof address === 'string' && typeof validator === 'string' ? { address, validator } : null;
  } catch {
    return null;
  }
}

/** A validator that If-Range accepts (RFC 9110, section 13.1.5): a strong entity tag, else the date. */
function validatorOf(headers: Headers): string | null {
  const tag = headers.get('etag');
  return tag && !tag.startsWith('W/') ? tag : headers.get('last-modified');
}

/**
 * Says whether a folder's disk has room for more bytes.
 *
 * @throws {UnavailableError} when it has not
 */
export async function requireRoom(folder: string, bytes: number): Promise<void> {
  await makeFolder(folder);
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  throw new UnavailableError(
    `${folder}: ${Math.ceil(bytes / 1e6)} MB of free disk were required, got ${Math.floor((bavail * bsize) / 1e6)} MB; ` +
      'free some or choose another folder',
  );
}

/**
 * Over plain HTTP anybody on the way can put in other bytes: then a checksum has to tell. This machine itself is trusted
 * (W3C, Secure Contexts, section 3.1).
 */
function requireTrust({ protocol, hostname, href }: URL, { checksum }: DownloadOptions): void {
  const isOwn = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  if (protocol === 'https:' || (protocol === 'http:' && (checksum || isOwn))) return;
  throw new InputError(
    `${href}: https was required of a file without a checksum, got ${protocol.slice(0, -1)}; give its checksum, or another address`,
  );
}

/** Asks for the file, or for what is missing of it; a status that promises no bytes is an error. */
async function ask(
  address: string,
  have: number,
  state: PartialState | null,
  options: DownloadOptions,
): Promise<Response> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (state && have > 0) {
    headers['range'] = `bytes=${have}-`;
    headers['if-range'] = state.validator;
  }
  let response: Response;
  try {
    response = options.fetch
      ? await options.fetch(address, { headers, signal: options.signal ?? null })
      : await fetchRaw(address, { headers, signal: options.signal }, (url) => requireTrust(url, options));
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof QuantlabError) throw error;
    const { cause = error } = error as Error;
    const reason = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : String(error);
    throw new UnavailableError(`${address}: an answer was required, got ${reason}; check the network and run again`, {
      cause: error,
    });
  }
  if (response.ok || response.status === 416) return response;
  await response.body?.cancel();
  throw new UnavailableError(
    `${address}: status 200 was required, got ${response.status} ${response.statusText}; try later or another mirror`,
  );
}

/** Writes a response's bytes to the end of the partial file; returns their number and whether the connection held. */
async function writeBody(
  body: ReadableStreamDefaultReader<Uint8Array>,
  file: FileHandle,
  partial: string,
  options: DownloadOptions,
  received: (bytes: number) => void,
): Promise<boolean> {
  for (;;) {
    const part = await body.read().catch(() => null);
    options.signal?.throwIfAborted();
    if (part === null) return false;
    if (part.done) return true;
    await file.writeFile(part.value).catch((error: unknown) => {
      throw describeFileError(partial, error);
    });
    received(part.value.length);
  }
}

/** How a request ended: `encoded` is whole, and of bytes that the server labels as encoded by gzip. */
type Received = 'whole' | 'encoded' | 'dropped';

/** One request: appends to the partial file, or begins it anew. */
async function receive(address: string, partial: string, options: DownloadOptions): Promise<Received> {
  const statePath = `${partial}.json`;
  const state = await readState(statePath);
  const have = state?.address === address ? await sizeOf(partial) : 0;
  const response = await ask(address, have, state, options);
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  const continues = response.status === 206 && range?.[1] === String(have) && have > 0;
  if (response.status === 416 && range?.[2] === String(have)) {
    await response.body?.cancel();
    return 'whole';
  }
  if (response.body === null || (response.status !== 200 && !continues)) {
    // The server holds other bytes than the partial file's: the next request asks for all.
    await response.body?.cancel();
    await rm(statePath, { force: true });
    return 'dropped';
  }
  const label = response.headers.get('content-encoding') ?? 'identity';
  // What `fetch` has decoded has other lengths and ranges than the server's.
  const encoded = options.fetch !== undefined && label !== 'identity';
  const length = response.headers.get('content-length');
  let received = continues ? have : 0;
  const total = length === null || encoded ? null : received + Number(length);
  const body = response.body.getReader();
  try {
    if (total !== null) await requireRoom(dirname(partial), total - received);
    if (!continues) await rm(statePath, { force: true });
    const file = await open(partial, continues ? 'a' : 'w').catch((error: unknown) => {
      throw describeFileError(partial, error);
    });
    try {
      // Only once the old bytes are gone: a state beside bytes of another version would join the two.
      const validator = continues || encoded ? null : validatorOf(response.headers);
      if (validator) await writeFileAtomic(statePath, JSON.stringify({ address, validator } satisfies PartialState));
      options.progress?.(received, total);
      const held = await writeBody(body, file, partial, options, (bytes) => {
        received += bytes;
        options.progress?.(received, total);
      });
      await file.sync().catch(() => undefined);
      if (!held || (total !== null && received !== total)) return 'dropped';
      return !encoded && /^(x-)?gzip$/.test(label) ? 'encoded' : 'whole';
    } finally {
      await file.close();
    }
  } finally {
    // Frees the connection when the body was not read to its end.
    await body.cancel().catch(() => undefined);
  }
}

/** Asks one address until the file is whole; takes dropped connections up again as long as bytes come. */
async function receiveWhole(address: string, partial: string, options: DownloadOptions): Promise<Received> {
  let before = await sizeOf(partial);
  for (let fruitless = 0; fruitless < fruitlessTries; ) {
    const received = await receive(address, partial, options);
    if (received !== 'dropped') return received;
    const now = await sizeOf(partial);
    fruitless = now > before ? 0 : fruitless + 1;
    before = now;
    if (fruitless < fruitlessTries) {
      await wait(options.retryPauseMs ?? 1000, undefined, options.signal ? { signal: options.signal } : {}).catch(
        () => {
          options.signal?.throwIfAborted();
        },
      );
    }
  }
  throw new UnavailableError(
    `${address}: the whole file was required, got ${before} bytes before the connection dropped; run again to continue`,
  );
}

/**
 * Downloads a file as a whole or not at all. What has come so far lies in `<path>.partial` (its version beside it in
 * `<path>.partial.json`) and is continued by HTTP Range with If-Range (RFC 9110, sections 13.1.5 and 14): within the
 * call after a dropped connection, by the next call after anything else. Addresses are tried in their order, also where the
 * bytes of one are not those of the checksum.
 *
 * @param addresses - the same file at one or more servers
 * @param path - file to write; nothing is asked when it exists already
 * @throws {UnavailableError} when no address gives the file or the disk is full; run again to continue
 * @throws {InputError} when the checksum differs everywhere (the partial file is then deleted), or an address is plain HTTP
 * and there is none
 * @throws the signal's reason when stopped
 */
export async function downloadFile(
  addresses: readonly string[],
  path: string,
  options: DownloadOptions = {},
): Promise<void> {
  const partial = `${path}.partial`;
  const there = await stat(path).catch(() => null);
  if (there?.isFile()) return;
  await requireRoom(dirname(path), (options.expectedBytes ?? 0) - (await sizeOf(partial)));
  // The server whose first part lies here already is asked first.
  const begun = (await readState(`${partial}.json`))?.address;
  const order = [...addresses].sort((a, b) => Number(b === begun) - Number(a === begun));
  const refusals: QuantlabError[] = [];
  for (const address of order) {
    options.signal?.throwIfAborted();
    try {
      requireTrust(new URL(address), options);
      await check(address, partial, await receiveWhole(address, partial, options), options);
    } catch (error) {
      if (options.signal?.aborted || !(error instanceof QuantlabError) || !error.message.startsWith(address))
        throw error;
      refusals.push(error);
      continue;
    }
    await rename(partial, path).catch((error: unknown) => {
      throw describeFileError(path, error);
    });
    await rm(`${partial}.json`, { force: true });
    return;
  }
  const message = refusals.map((error) => error.message).join('\n');
  throw refusals.some((error) => error instanceof InputError) ? new InputError(message) : new UnavailableError(message);
}

/**
 * Sees that the bytes are those that were published. A label says that they are encoded: either of the archive, which is
 * compressed by itself, or of what is in it; where a checksum cannot tell, it is believed.
 */
async function check(address: string, partial: string, received: Received, options: DownloadOptions): Promise<void> {
  const { checksum, signal } = options;
  const differs = async (one: Checksum): Promise<InputError | null> =>
    await verifyChecksum(partial, one, signal).then(
      () => null,
      (error: unknown) => {
        if (error instanceof InputError) return error;
        throw error;
      },
    );
  let error = checksum ? await differs(checksum) : null;
  if (received === 'encoded' && (error !== null || !checksum)) {
    await decode(address, partial);
    error = checksum ? await differs(checksum) : null;
  }
  if (error === null) return;
  await rm(partial, { force: true });
  await rm(`${partial}.json`, { force: true });
  const detail = error.message.slice(partial.length + 2).replace(/;.*$/, '');
  throw new InputError(
    `${address}: ${detail}; the download is deleted: run again, and if it stays so the file was changed there`,
    { cause: error },
  );
}

/** Puts in the place of a file what it encodes; one that is no gzip stays. */
async function decode(address: string, partial: string): Promise<void> {
  const decoded = `${partial}.decoded`;
  try {
    await pipeline(createReadStream(partial), createGunzip(), createWriteStream(decoded));
    await rename(decoded, partial);
  } catch (error) {
    await rm(decoded, { force: true });
    if ((error as NodeJS.ErrnoException).syscall) throw describeFileError(address, error);
  }
}
