import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { type Headers, pack } from 'tar-stream';

/** What the server does with a file; changed by a test while it runs. */
export interface ServedFile {
  body: Buffer;
  /** Drops the connection after so many bytes of an answer; the client loses those that it had not read yet. */
  dropAfter?: number;
  status?: number;
  etag?: string | null;
  lastModified?: string;
  /** Sends the first bytes and then nothing more until the client goes. */
  stallAfter?: number;
  contentEncoding?: string;
  /** Sends on to this address. */
  location?: string;
  /** States another length than the body has. */
  statedLength?: number;
  /** Answers a range with bytes that begin so many later than asked. */
  rangeShift?: number;
}

/** A request as the server saw it. */
export interface SeenRequest {
  readonly path: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
}

export interface CorpusServer {
  readonly origin: string;
  readonly files: Map<string, ServedFile>;
  readonly seen: SeenRequest[];
  close(): Promise<void>;
}

function answer(request: IncomingMessage, response: ServerResponse, file: ServedFile | undefined): void {
  if (!file || (file.status ?? 200) !== 200) {
    response.writeHead(file?.status ?? 404).end('no such file');
    return;
  }
  if (file.location !== undefined) {
    response.writeHead(302, { location: file.location }).end();
    return;
  }
  const { body } = file;
  const etag = file.etag === undefined ? `"${createHash('md5').update(body).digest('hex')}"` : file.etag;
  const validator = etag ?? file.lastModified;
  const asked = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const from = asked + (file.rangeShift ?? 0);
  const partial = asked > 0 && request.headers['if-range'] === validator;
  if (partial && from >= body.length) {
    response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end();
    return;
  }
  const part = partial ? body.subarray(from) : body;
  response.writeHead(partial ? 206 : 200, {
    'content-length': file.statedLength ?? part.length,
    ...(etag && { etag }),
    ...(file.lastModified && { 'last-modified': file.lastModified }),
    ...(file.contentEncoding && { 'content-encoding': file.contentEncoding }),
    ...(partial && { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` }),
  });
  const cut = file.dropAfter ?? file.stallAfter;
  if (cut === undefined || cut >= part.length) {
    response.end(part);
    return;
  }
  response.write(part.subarray(0, cut), () => {
    // Closed in order and a moment later, so that most bytes are read before; a busy client still loses some.
    if (file.dropAfter !== undefined) setTimeout(() => response.socket?.end(), 20);
  });
}

/** A web server on 127.0.0.1 with Range and If-Range (RFC 9110, sections 13.1.5 and 14). */
export async function startCorpusServer(): Promise<CorpusServer> {
  const files = new Map<string, ServedFile>();
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const ifRange = request.headers['if-range'];
    seen.push({ path, range: request.headers.range, ifRange: typeof ifRange === 'string' ? ifRange : undefined });
    answer(request, response, files.get(path));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    files,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** An entry of an archive made by {@link makeTar}. */
export interface TarEntry {
  readonly name: string;
  readonly type?: Headers['type'];
  readonly linkname?: string;
  readonly body?: Uint8Array | string;
}

/** A tar archive of the entries. */
export async function makeTar(entries: readonly TarEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, type = 'file', linkname, body = '' } of entries) {
    const bytes = Buffer.from(body);
    archive.entry({ name, type, ...(linkname !== undefined && { linkname }) }, bytes);
  }
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** A gzipped tar archive of the entries. */
export async function makeTarGz(entries: readonly TarEntry[]): Promise<Buffer> {
  return gzipSync(await makeTar(entries));
}

/** A NIST SPHERE file as AN4 has them: 1,024 bytes of header, 16-bit samples at 16 kHz. */
export function makeSphere(samples: number): Buffer {
  const header = [
    'NIST_1A',
    '   1024',
    `sample_count -i ${samples}`,
    'sample_n_bytes -i 2',
    'channel_count -i 1',
    'sample_byte_format -s2 01',
    'sample_rate -i 16000',
    'sample_coding -s3 pcm',
    'end_head',
    '',
  ].join('\n');
  return Buffer.concat([Buffer.from(header.padEnd(1024, ' '), 'latin1'), Buffer.alloc(samples * 2, 7)]);
}

/** The head of a FLAC file (RFC 9639, section 8.2): the magic and STREAMINFO, mono, 16 bit; no frames follow. */
export function makeFlacHead(samples: number, sampleRateHz: number): Buffer {
  const bytes = Buffer.alloc(4 + 4 + 34);
  bytes.write('fLaC', 0, 'latin1');
  bytes.writeUInt8(0x80, 4);
  bytes.writeUIntBE(34, 5, 3);
  bytes.writeUInt16BE(4096, 8);
  bytes.writeUInt16BE(4096, 10);
  const rateChannelsDepth = (BigInt(sampleRateHz) << 44n) | (0n << 41n) | (15n << 36n) | BigInt(samples);
  bytes.writeBigUInt64BE(rateChannelsDepth, 18);
  return bytes;
}

/** A tiny corpus of AN4's layout: two training utterances, one test utterance without sentence marks. */
export const tinyAn4: readonly TarEntry[] = [
  { name: 'an4/', type: 'directory' },
  {
    name: 'an4/etc/an4_train.transcription',
    body: '<s> YES </s> (an251-fash-b)\n<s> ENTER SIX TWO FOUR </s> (cen7-mkem-b)\n',
  },
  { name: 'an4/etc/an4_test.transcription', body: 'RUBOUT G M E F THREE NINE (an406-fcaw-b)\n' },
  { name: 'an4/wav/an4_clstk/fash/an251-fash-b.sph', body: makeSphere(16_000) },
  { name: 'an4/wav/an4_clstk/mkem/cen7-mkem-b.sph', body: makeSphere(40_000) },
  { name: 'an4/wav/an4test_clstk/fcaw/an406-fcaw-b.sph', body: makeSphere(64_000) },
];

/** A tiny corpus of LibriSpeech's layout. */
export const tinyLibriSpeech: readonly TarEntry[] = [
  { name: 'LibriSpeech/README.TXT', body: 'about' },
  {
    name: 'LibriSpeech/dev-tiny/84/121123/84-121123.trans.txt',
    body: "84-121123-0000 GO DO YOU HEAR\n84-121123-0001 BUT IN LESS THAN FIVE MINUTES THE STAIRCASE'S\n",
  },
  { name: 'LibriSpeech/dev-tiny/84/121123/84-121123-0000.flac', body: makeFlacHead(33_440, 16_000) },
  { name: 'LibriSpeech/dev-tiny/84/121123/84-121123-0001.flac', body: makeFlacHead(161_200, 16_000) },
  { name: 'LibriSpeech/dev-tiny/1272/128104/1272-128104.trans.txt', body: '1272-128104-0000 MISTER QUILTER\n' },
  { name: 'LibriSpeech/dev-tiny/1272/128104/1272-128104-0000.flac', body: makeFlacHead(93_680, 16_000) },
];
