// Builds src into dist: modules for Node by tsc, and the page of the service as one script for browsers, with its files.
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

// Types are checked by `npm run types`; this only takes them away, in less than half the time.
const tsc = [join('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json', '--noCheck'];
const { status } = spawnSync(process.execPath, tsc, { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(1);
const [page, built] = ['src', 'dist'].map((folder) => join(root, folder, 'service', 'page'));
await build({
  entryPoints: [join(page, 'page.ts')],
  outfile: join(built, 'page.js'),
  bundle: true,
  format: 'esm',
  target: 'es2022',
  logLevel: 'warning',
});
for (const file of ['page.html', 'page.css']) copyFileSync(join(page, file), join(built, file));
