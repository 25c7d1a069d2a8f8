// Builds the write-up with Jekyll, and the reference beside it, into post/_site; `--serve` shows it and builds it again when a file changes.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformWithEsbuild } from 'vite';

const post = fileURLToPath(new URL('../post', import.meta.url));
const plotly = join(post, 'assets', 'plotly.js');

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

if (spawnSync('jekyll', ['--version'], { shell: process.platform === 'win32' }).status !== 0) {
  fail(
    'jekyll: version 4 was required, got none; install it (Debian: apt install jekyll; elsewhere: gem install jekyll)',
  );
}
if (!existsSync(join(post, '_data', 'results.json'))) {
  process.stderr.write('post/_data/results.json: nothing has been measured yet; npm start fills in the numbers\n');
}
if (!existsSync(plotly)) {
  const source = readFileSync(createRequire(import.meta.url).resolve('plotly.js-dist/plotly.js'), 'utf8');
  const { code } = await transformWithEsbuild(source, 'plotly.js', {
    minify: true,
    legalComments: 'inline',
    sourcemap: false,
  });
  writeFileSync(plotly, code);
}
// Jekyll keeps the folder (keep_files), so that it stays while the write-up is built again.
const typedoc = fileURLToPath(new URL('../node_modules/typedoc/bin/typedoc', import.meta.url));
const reference = spawnSync(process.execPath, [typedoc, '--out', join(post, '_site', 'reference')], {
  cwd: join(post, '..'),
  stdio: ['ignore', 2, 2],
});
if (reference.status !== 0) fail('the reference: typedoc ended with an error; mend what it says above');
const started = process.hrtime.bigint();
const verb = process.argv[2] === '--serve' ? ['serve', '--host', '127.0.0.1'] : ['build'];
const folders = ['--source', post, '--destination', join(post, '_site'), '--disable-disk-cache'];
const { status } = spawnSync('jekyll', [...verb, ...folders, ...process.argv.slice(verb[0] === 'serve' ? 3 : 2)], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
if (status !== 0) fail('jekyll ended with an error; mend what it says above');
const seconds = Number(process.hrtime.bigint() - started) / 1e9;
process.stderr.write(`${join('post', '_site', 'index.html')}: built in ${seconds.toFixed(1)} s\n`);
