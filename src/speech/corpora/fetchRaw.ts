import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { Readable } from 'node:stream';
import { InputError } from '../../errors.js';

const MOST_REDIRECTS = 10;

/** Statuses that name another address. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Fetches the bytes that a server has, as it has them. `fetch` decodes what is labelled `Content-Encoding: gzip`, and servers
 * label archives so that are themselves compressed: their checksum is that of the bytes before.
 *
 * @param isAllowed - asked of each address, those among them that a server sends on to
 * @throws {InputError} when an address is not allowed, or there are too many
 */
export async function fetchRaw(
  address: string,
  init: { readonly headers: Record<string, string>; readonly signal?: AbortSignal | undefined },
  isAllowed: (address: URL) => void,
): Promise<Response> {
  let url = new URL(address);
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    isAllowed(url);
    const answer = await ask(url, init);
    const { statusCode = 500, statusMessage = '', headers } = answer;
    if (!REDIRECTS.has(statusCode) || headers.location === undefined) {
      const body = Readable.toWeb(answer) as ReadableStream<Uint8Array>;
      const named = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
        value === undefined ? [] : [[name, [value].flat().join(', ')]],
      );
      return new Response(body, { status: statusCode, statusText: statusMessage, headers: named });
    }
    answer.resume();
    url = new URL(headers.location, url);
  }
  throw new InputError(`${address}: a file was required, got ${MOST_REDIRECTS} redirects; name its own address`);
}

function ask(
  url: URL,
  { headers, signal }: { readonly headers: Record<string, string>; readonly signal?: AbortSignal | undefined },
): Promise<IncomingMessage> {
  const send = url.protocol === 'http:' ? requestPlain : requestSecure;
  return new Promise((resolve, reject) => {
    const request = send(url, { headers, ...(signal && { signal }) }, resolve);
    request.once('error', reject);
    request.end();
  });
}
