import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { RequestError } from '../answers/refusal.js';

/** Names under which this machine may be asked besides its addresses. */
export interface HostRules {
  /** Further names; `*` for any. */
  readonly allowedHosts: readonly string[];
  /** Origins of pages, such as `https://example.org`, that may ask from a browser; `*` for any. */
  readonly allowedOrigins: readonly string[];
}

/**
 * Refuses requests for another name than this machine's, and those of pages of other origins. Otherwise a page of anybody's could make
 * its name lead to this machine (DNS rebinding), and read what only those who can reach it may. An address has no name that could lead
 * elsewhere.
 *
 * @param headers - of the request
 * @throws {RequestError} when `Host` or `Origin` is not permitted
 */
export function checkHosts(
  headers: { readonly host?: string | undefined; readonly origin?: string | undefined },
  { allowedHosts, allowedOrigins }: HostRules,
): void {
  const name = hostNameOf(`http://${headers.host ?? ''}`);
  const known = ['localhost', hostname().toLowerCase(), ...allowedHosts.map((one) => one.toLowerCase())];
  if (name === null || !(isIP(name.replaceAll(/[[\]]/g, '')) || known.includes(name) || allowedHosts.includes('*'))) {
    throw new RequestError(
      `Host: an address or a name of this machine was required, got ${JSON.stringify(headers.host ?? '')}; start the service with --allow-host NAME`,
      { status: 403, code: 'host_not_allowed' },
    );
  }
  const { origin } = headers;
  if (origin === undefined || isSameOrigin(origin, headers.host) || isAllowedOrigin(origin, allowedOrigins)) return;
  throw new RequestError(
    `Origin: a page of this service or one that was named was required, got ${JSON.stringify(origin)}; start the service with --allow-origin ORIGIN`,
    { status: 403, code: 'origin_not_allowed' },
  );
}

/** Whether a page of that origin was named. */
export function isAllowedOrigin(origin: string, allowedOrigins: readonly string[]): boolean {
  return allowedOrigins.includes('*') || allowedOrigins.includes(origin);
}

/** Whether a name or address means this machine alone. */
export function isLoopback(host: string): boolean {
  const name = host.replaceAll(/[[\]]/g, '').toLowerCase();
  return name === 'localhost' || name === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(name);
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  try {
    return new URL(origin).host === host?.toLowerCase();
  } catch {
    // `null`, of a file or a frame without rights.
    return false;
  }
}

function hostNameOf(url: string): string | null {
  try {
    return new URL(url).hostname;
  } catch {
    return null;
  }
}
