// Makes a checkout ready to run: locked packages, the build, and the package's link to itself.
// Plain JavaScript, because it runs before TypeScript is there. Every step is left out when its result is up to date.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const minimumNode = [20, 19];

// The CPU library is inside the package of ONNX Runtime; its install script would fetch 300 MB for GPUs (README, "On a GPU").
const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: process.env.ONNXRUNTIME_NODE_INSTALL ?? 'skip' };

function run(title, command, args) {
  const started = process.hrtime.bigint();
  process.stderr.write(`${title} …\n`);
  const shell = process.platform === 'win32' && command === 'npm';
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: ['ignore', 2, 2], shell });
  if (status !== 0) {
    process.stderr.write(
      `${title} failed${error ? `: ${error.message}` : ''}; mend what is said above and run again\n`,
    );
    process.exit(1);
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  process.stderr.write(`${title}: done in ${seconds.toFixed(1)} s\n`);
}

function sha256(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > minimumNode[0] || (major === minimumNode[0] && minor >= minimumNode[1])) return;
  process.stderr.write(
    `Node ${minimumNode.join('.')} or newer is required, got ${process.versions.node}; install it from nodejs.org\n`,
  );
  process.exit(1);
}

function installPackages() {
  const stamp = join(root, 'node_modules', '.quantlab-installed');
  const wanted = sha256(readFileSync(join(root, 'package-lock.json')), process.versions.modules);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  run('Installing the locked packages', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, wanted);
}

/** Notebooks import the package by its name, as a reader's own notebook does. */
function linkSelf() {
  const link = join(root, 'node_modules', 'quantlab');
  if (existsSync(join(link, 'package.json'))) return;
  if (lstatSync(link, { throwIfNoEntry: false })) rmSync(link, { recursive: true });
  symlinkSync(process.platform === 'win32' ? root : '..', link, 'junction');
}

function build() {
  const stamp = join(root, 'dist', '.built');
  const sources = readdirSync(join(root, 'src'), { recursive: true })
    .map((name) => join(root, 'src', String(name)))
    .filter((path) => statSync(path).isFile())
    .sort();
  const names = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', '.ci/build.mjs'];
  const configs = names.map((name) => join(root, name));
  const wanted = sha256(...[...configs, ...sources].flatMap((path) => [path.slice(root.length), readFileSync(path)]));
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  // A module that was removed from src must not live on in the build.
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  run('Building', process.execPath, [join('.ci', 'build.mjs')]);
  writeFileSync(stamp, wanted);
}

checkNode();
installPackages();
linkSelf();
build();
