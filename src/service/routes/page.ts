import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { UnavailableError } from '../../errors.js';

/** Files of the page, by the path that they are asked for by; the first is the page itself. */
const FILES: readonly (readonly [path: string, file: string, type: string])[] = [
  ['/', 'page.html', 'text/html; charset=utf-8'],
  ['/page.css', 'page.css', 'text/css; charset=utf-8'],
  ['/page.js', 'page.js', 'text/javascript; charset=utf-8'],
];

/** Nothing from elsewhere, nothing written into the page; the microphone, and sound that is in the browser. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; media-src blob:; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'permissions-policy': 'microphone=(self), camera=(), geolocation=()',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/**
 * `GET /`: a page that shows what compression does to one's own voice. Anybody may load it; what it asks for needs a key like anything else.
 *
 * @throws {UnavailableError} when the package was not built
 */
export async function addPage(app: FastifyInstance): Promise<void> {
  for (const [path, file, type] of FILES) {
    const content = await readFile(builtFile(file));
    app.get(path, { config: { isPublic: true, isOfPage: true }, schema: { hide: true } }, (_request, reply) => {
      void reply.headers(HEADERS).type(type).send(content);
    });
  }
}

/** A file of the page in the build, seen from it or from the sources. */
function builtFile(name: string): string {
  const places = [`../page/${name}`, `../../../dist/service/page/${name}`];
  const paths = places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  // The sources have no script, only what it is made from.
  const built = paths.find((path) => existsSync(path) && existsSync(path.replace(/[^/\\]+$/, 'page.js')));
  if (built !== undefined) return built;
  throw new UnavailableError(`${paths[1]}: the built page was required, got nothing; run \`npm run build\``);
}
