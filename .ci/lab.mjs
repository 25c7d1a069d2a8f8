// Makes the notebooks' Python environment (once) and starts JupyterLab in it. `--prepare-only` leaves the start out;
// `--execute` runs every notebook in place instead, as they are committed, or those whose numbers follow (`--execute 02 03`).
// `--test` opens and runs copies of them in a JupyterLab of the test's own (`--test 01 05 --screenshots DIR`).
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const venv = join(root, 'notebooks', '.venv');
const binaries = join(venv, process.platform === 'win32' ? 'Scripts' : 'bin');
const requirements = join(root, 'notebooks', 'requirements.txt');
const stamp = join(venv, '.quantlab-installed');
const minimumPython = [3, 11];

// Kernels of the person's own are kept out of the way: one with the same name would come first.
const env = {
  ...process.env,
  PATH: [binaries, process.env.PATH].join(delimiter),
  JUPYTER_PREFER_ENV_PATH: '1',
  PYTHONDONTWRITEBYTECODE: '1',
  // A notebook may load ONNX Runtime without this package, which turns its reports off.
  ORT_DISABLE_TELEMETRY: process.env.ORT_DISABLE_TELEMETRY ?? '1',
};

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function findPython() {
  const names = process.env.PYTHON ? [process.env.PYTHON] : ['python3', 'python'];
  for (const name of names) {
    const { status, stdout } = spawnSync(name, ['-c', 'import sys, venv, ensurepip; print(*sys.version_info[:2])'], {
      encoding: 'utf8',
    });
    if (status !== 0) continue;
    const [major, minor] = stdout.trim().split(' ').map(Number);
    if (major > minimumPython[0] || (major === minimumPython[0] && minor >= minimumPython[1])) return name;
  }
  return fail(
    `Python ${minimumPython.join('.')} or newer with venv was required, got none; install it (Debian: apt install python3-venv) or set PYTHON`,
  );
}

function run(title, command, args) {
  const started = process.hrtime.bigint();
  process.stderr.write(`${title} …\n`);
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: ['ignore', 2, 2] });
  if (status !== 0) fail(`${title} failed${error ? `: ${error.message}` : ''}; mend what is said above and run again`);
  process.stderr.write(`${title}: done in ${(Number(process.hrtime.bigint() - started) / 1e9).toFixed(1)} s\n`);
}

function prepare() {
  const wanted = createHash('sha256')
    .update(readFileSync(requirements))
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .update(root)
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const python = findPython();
  rmSync(venv, { recursive: true, force: true });
  run('Making the Python environment', python, ['-m', 'venv', venv]);
  run('Installing JupyterLab', join(binaries, 'python'), [
    ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '-r', requirements],
  ]);
  const kernel = join(venv, 'share', 'jupyter', 'kernels', 'tslab');
  mkdirSync(kernel, { recursive: true });
  const argv = [process.execPath, join(root, '.ci', 'kernel.mjs'), 'kernel', '--config-path', '{connection_file}'];
  writeFileSync(
    join(kernel, 'kernel.json'),
    JSON.stringify({ argv, display_name: 'TypeScript', language: 'typescript' }),
  );
  // JupyterLab's own scripts are not modules, which the package.json above them would make them.
  writeFileSync(join(venv, 'package.json'), '{}\n');
  // JupyterLab asks its makers for news and for updates; ours does not.
  const settings = join(venv, 'share', 'jupyter', 'lab', 'settings');
  mkdirSync(settings, { recursive: true });
  const quiet = { '@jupyterlab/apputils-extension:notification': { fetchNews: 'false', checkForUpdates: false } };
  writeFileSync(join(settings, 'overrides.json'), JSON.stringify(quiet));
  writeFileSync(stamp, wanted);
}

const folder = join(root, 'notebooks');

/** File names of the notebooks with these numbers; without numbers, of all. */
function choose(numbers) {
  const all = readdirSync(folder).filter((each) => /^\d\d-.*\.ipynb$/.test(each));
  const known = all.map((each) => each.slice(0, 2));
  const unknown = numbers.filter((each) => !known.includes(each));
  if (unknown.length > 0) fail(`notebook: one of ${known.join(', ')} was required, got ${unknown.join(', ')}`);
  return all.filter((each) => numbers.length === 0 || numbers.includes(each.slice(0, 2)));
}

function execute(numbers) {
  for (const name of choose(numbers)) {
    const path = join(folder, name);
    run(`Running ${name}`, join(binaries, 'python'), [
      ...['-m', 'nbconvert', '--to', 'notebook', '--execute', '--inplace', '--log-level=ERROR'],
      ...['--ExecutePreprocessor.timeout=600', path],
    ]);
    // The kernel does not tell nbconvert the cells' numbers; a reader takes a cell without one for not run.
    const notebook = JSON.parse(readFileSync(path, 'utf8'));
    const code = notebook.cells.filter((cell) => cell.cell_type === 'code');
    for (const [place, cell] of code.entries()) {
      cell.execution_count = place + 1;
      delete cell.metadata.execution;
    }
    writeFileSync(path, `${JSON.stringify(notebook, null, 1)}\n`);
  }
}

function test(args) {
  const option = args.indexOf('--screenshots');
  const pictures = option < 0 ? undefined : args[option + 1];
  if (option >= 0 && !pictures) fail('--screenshots: a folder was required, got none');
  const numbers = args.filter((_, place) => option < 0 || (place !== option && place !== option + 1));
  choose(numbers);
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const { status } = spawnSync(process.execPath, [vitest, 'run', '--config', 'vitest.lab.config.ts'], {
    cwd: root,
    env: {
      ...env,
      QUANTLAB_LAB_PYTHON: join(binaries, 'python'),
      QUANTLAB_LAB_NOTEBOOKS: numbers.join(' '),
      ...(pictures ? { QUANTLAB_LAB_SCREENSHOTS: resolve(pictures) } : {}),
    },
    stdio: 'inherit',
  });
  process.exit(status ?? 1);
}

prepare();
if (process.argv[2] === '--execute') {
  execute(process.argv.slice(3));
} else if (process.argv[2] === '--test') {
  test(process.argv.slice(3));
} else if (!process.argv.includes('--prepare-only')) {
  const args = ['-m', 'jupyterlab', `--ServerApp.root_dir=${root}`, '--LabApp.default_url=/lab/tree/notebooks'];
  if (process.getuid?.() === 0) args.push('--allow-root');
  const own = process.argv.slice(2);
  const lab = spawn(join(binaries, 'python'), [...args, ...own], { cwd: root, env, stdio: 'inherit' });
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => lab.kill('SIGTERM'));
  lab.on('exit', (code) => process.exit(code ?? 0));
}
