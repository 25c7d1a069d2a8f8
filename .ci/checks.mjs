// What can be said of the sources without running them, all at once: types, lint, the direction of imports, what nobody uses.
// The reference, whose comments typedoc checks, is written by a test.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function check(name) {
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', name], { cwd: root, shell: process.platform === 'win32' });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
    child.on('close', (status) => {
      process.stderr.write(`npm run ${name}: ${status === 0 ? 'passed' : `failed\n${said}`}\n`);
      resolve(status === 0);
    });
  });
}

const passed = await Promise.all(['types', 'lint', 'arrows', 'unused'].map(check));
process.exitCode = passed.every(Boolean) ? 0 : 1;
