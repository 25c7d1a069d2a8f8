import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { extract } from 'tar-stream';
import { UnavailableError } from '../../errors.js';
import { cacheFolder } from '../../recognise/registry/registry.js';

/** A browser that can be started without a window. */
export interface BrowserProgram {
  readonly executablePath: string;
  readonly args: readonly string[];
  /** Variables that it needs on top of the process's own. */
  readonly env: Readonly<Record<string, string>>;
}

const decompress = promisify(brotliDecompress);
const PACKAGE = '@sparticuz/chromium';

const ARGS = [
  '--no-sandbox',
  '--no-zygote',
  '--single-process',
  '--disable-gpu',
  '--font-render-hinting=none',
] as const;

/**
 * Unpacks the Chromium inside `@sparticuz/chromium` into the cache folder, once, and says how to start it.
 *
 * The package's own unpacking takes whatever it finds at a fixed name in the common temporary folder, half-written or foreign;
 * and it leaves out the libraries (NSS) that a machine without a browser lacks. This one writes a folder of its own, renames it
 * when complete, and brings libraries and a font.
 *
 * @param env - environment variables: `QUANTLAB_CACHE`, `XDG_CACHE_HOME`
 * @throws {UnavailableError} when the package is not installed or has no binary for this machine
 */
export async function unpackChromium(env: Readonly<Record<string, string | undefined>>): Promise<BrowserProgram> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new UnavailableError(
      `browser: Chrome or Chromium was required, got none on this ${process.platform}-${process.arch} machine; install one or set CHROME_PATH`,
    );
  }
  const { bin, version } = await locatePackage();
  const folder = join(cacheFolder(env), `chromium-${version}`);
  if (!existsSync(folder)) await unpackInto(folder, bin);
  return {
    executablePath: join(folder, 'chromium'),
    args: ARGS,
    env: {
      LD_LIBRARY_PATH: [join(folder, 'lib'), env['LD_LIBRARY_PATH']].filter(Boolean).join(':'),
      FONTCONFIG_FILE: join(folder, 'fonts.conf'),
    },
  };
}

async function locatePackage(): Promise<{ bin: string; version: string }> {
  try {
    const entry = createRequire(import.meta.url).resolve(PACKAGE);
    const root = entry.slice(0, entry.lastIndexOf(join(...PACKAGE.split('/'))) + PACKAGE.length);
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    return { bin: join(root, 'bin'), version };
  } catch (error) {
    throw new UnavailableError(
      `browser: Chrome, Chromium or the package ${PACKAGE} was required, got none; install Chrome, or run npm install ${PACKAGE}@138`,
      { cause: error },
    );
  }
}

async function unpackInto(folder: string, bin: string): Promise<void> {
  try {
    await mkdir(dirname(folder), { recursive: true });
    const partial = await mkdtemp(`${folder}.partial-`);
    try {
      const program = join(partial, 'chromium');
      await writeFile(program, await decompress(await readFile(join(bin, 'chromium.br'))));
      await chmod(program, 0o755);
      // A software GPU: this build does not open a page without one.
      await unpackFiles(join(bin, 'swiftshader.tar.br'), partial, /\.(so|so\.1|json)$/);
      await unpackFiles(join(bin, 'al2023.tar.br'), join(partial, 'lib'), /\.so[.\d]*$/);
      await unpackFiles(join(bin, 'fonts.tar.br'), join(partial, 'fonts'), /\.ttf$/);
      await writeFile(join(partial, 'fonts.conf'), fontConfiguration(join(folder, 'fonts')));
      await rename(partial, folder);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      // Another process was quicker: what it unpacked is the same.
      if (!existsSync(folder)) throw error;
    }
  } catch (error) {
    throw new UnavailableError(
      `browser: room for 210 MB in ${dirname(folder)} was required, got ${(error as Error).message}; free some, or set QUANTLAB_CACHE`,
      { cause: error },
    );
  }
}

/** Writes the files of an archive whose names match, without their folders. */
async function unpackFiles(archive: string, folder: string, wanted: RegExp): Promise<void> {
  await mkdir(folder, { recursive: true });
  const entries = extract();
  entries.end(await decompress(await readFile(archive)));
  for await (const entry of entries) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) chunks.push(chunk as Uint8Array);
    const name = basename(entry.header.name);
    if (entry.header.type === 'file' && wanted.test(name)) await writeFile(join(folder, name), Buffer.concat(chunks));
  }
}

function fontConfiguration(fonts: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${fonts}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${fonts}-cache</cachedir>
</fontconfig>
`;
}
