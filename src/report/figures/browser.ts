import { existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { UnavailableError } from '../../errors.js';
import { type BrowserProgram, unpackChromium } from './packagedChromium.js';

/** Where to look for a browser. */
export interface FindBrowserOptions {
  /** Environment variables; `CHROME_PATH` names a browser, `PATH` is searched. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** `packaged`: only the binary inside the npm package; `installed`: only Chrome or Chromium of the system. */
  readonly source?: 'any' | 'installed' | 'packaged';
}

const INSTALLED_NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'] as const;
const INSTALLED_PATHS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
] as const;

/** A browser asks its makers for updates, lists and experiments while it draws; it finds nobody but this machine. */
const PRIVATE_ARGS = ['--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost'] as const;

/**
 * Finds a browser: `CHROME_PATH`, then an installed Chrome or Chromium, then the one inside `@sparticuz/chromium`.
 *
 * @throws {UnavailableError} when there is none, or `CHROME_PATH` names nothing
 */
export async function findBrowser(options: FindBrowserOptions = {}): Promise<BrowserProgram> {
  const { env = process.env, source = 'any' } = options;
  const program = await programOf(env, source);
  return { ...program, args: [...program.args, ...PRIVATE_ARGS] };
}

async function programOf(
  env: Readonly<Record<string, string | undefined>>,
  source: FindBrowserOptions['source'],
): Promise<BrowserProgram> {
  if (source !== 'packaged') {
    const executablePath = installedBrowser(env);
    if (executablePath) return { executablePath, args: ['--no-sandbox', '--font-render-hinting=none'], env: {} };
  }
  if (source !== 'installed') return unpackChromium(env);
  throw new UnavailableError(
    'browser: an installed Chrome or Chromium was required, got none on the PATH; install one or set CHROME_PATH',
  );
}

function installedBrowser(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const named = env['CHROME_PATH'];
  if (named) {
    if (isFile(named)) return named;
    throw new UnavailableError(`CHROME_PATH: a browser was required, got no file at ${named}; correct or unset it`);
  }
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = INSTALLED_NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isFile);
  return found ?? INSTALLED_PATHS.find(isFile);
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
