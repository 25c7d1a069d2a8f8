// Adds to package-lock.json the builds for other platforms that npm left out because the registry at hand does not carry
// them (npm writes such a lock, and `npm ci` then refuses it). They are optional and pinned exactly by the package that
// asks for them, so name and version say all. Run it after every `npm install PACKAGE`.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const lock = JSON.parse(readFileSync(path, 'utf8'));

/** Operating system, processor and C library as they stand in the name: `rollup-linux-arm64-musl`. */
function platformOf(name) {
  const parts = name.split(/[/-]/);
  const pick = (known) => known.find((word) => parts.includes(word));
  const os = pick([
    'aix',
    'android',
    'darwin',
    'freebsd',
    'linux',
    'netbsd',
    'openbsd',
    'openharmony',
    'sunos',
    'win32',
  ]);
  const cpu = pick(['arm64', 'arm', 'x64', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'mips64el']);
  const musl = parts.includes('musl') || parts.includes('musleabihf');
  return { os, cpu, libc: os !== 'linux' ? undefined : musl ? 'musl' : name.includes('gnu') ? 'glibc' : undefined };
}

const added = [];
for (const { optionalDependencies = {}, dev } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const key = `node_modules/${name}`;
    const { os, cpu, libc } = platformOf(name);
    const pinned = /^\d+\.\d+\.\d+$/.test(version);
    if (lock.packages[key] || !pinned || !os || !cpu) continue;
    lock.packages[key] = {
      version,
      cpu: [cpu],
      ...(dev && { dev }),
      ...(libc && { libc: [libc] }),
      optional: true,
      os: [os],
    };
    added.push(`${name}@${version}`);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
process.stderr.write(`${added.length} builds for other platforms added\n`);
