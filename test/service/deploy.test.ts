// Dockerfile, compose file, manifests and proxies say what the command line and the service say.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { quantlab } from '../cli/terminal.js';
import { FAKE, type Started, startService } from './start.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (name: string): string => readFileSync(join(root, name), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'quantlab-deploy-'));
const keys = join(folder, 'keys');
writeFileSync(keys, `${'k'.repeat(32)}\n`);

// biome-ignore lint/suspicious/noExplicitAny: whatever YAML says
type Yaml = any;

const dockerfile = read('Dockerfile');
const compose = parse(read('compose.yaml')) as Yaml;
const manifests = parseAllDocuments(read('post/deploy/kubernetes.yaml')).map((one) => one.toJS() as Yaml);
const manifest = (kind: string): Yaml => manifests.find((one) => one.kind === kind);
const pod = manifest('Deployment').spec.template.spec;
const [container] = pod.containers;
const command = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]') as string[];

let started: Started;
let help: string;

beforeAll(async () => {
  started = await startService({ workerPath: FAKE });
  help = (await quantlab('serve', '--help')).out;
}, 60_000);

afterAll(async () => {
  await started.service.close();
  rmSync(folder, { recursive: true });
}, 60_000);

/** What `serve` says is the default of an option. */
function defaultOf(option: string): number {
  const text = help.replaceAll(/\s+/g, ' ');
  return Number(new RegExp(`${option} <.*?default: (\\d+)`).exec(text)?.[1]);
}

describe('commands of containers', () => {
  it.each([
    ['Dockerfile', command],
    ['compose.yaml', compose.services.quantlab.command],
    ['kubernetes.yaml', container.args],
  ] as readonly (readonly [string, readonly string[]])[])(
    '%s: the command line takes them, to the model',
    async (_, args) => {
      const here = args.map((one) => one.replace(/\/run\/secrets\/\S+/, keys).replace(/\$\{\w+:-(.*)\}/, '$1'));
      // With all options in order it is the model that is missed; an unknown option would end with 2.
      const { exitCode, err } = await quantlab(...here, 'nothing-like-it');
      expect(err).toContain('nothing-like-it');
      expect(exitCode).toBe(1);
      expect(here).toEqual(expect.arrayContaining(['serve']));
      // Safe as it comes: a key is asked for.
      expect(here.join(' ')).toMatch(/--host[= ]0\.0\.0\.0 .*--api-key-file/);
    },
  );
});

describe('ports, paths and times', () => {
  it('are those of the service', async () => {
    const port = defaultOf('--port');
    expect(port).toBe(8080);
    expect(dockerfile).toContain(`EXPOSE ${port}\n`);
    expect(container.ports).toEqual([{ name: 'http', containerPort: port }]);
    expect(manifest('Service').spec.ports[0]).toMatchObject({ port, targetPort: 'http' });
    expect(read('post/deploy/Caddyfile')).toContain(`:quantlab:${port}}`);
    expect(read('post/deploy/nginx.conf')).toContain(`proxy_pass http://127.0.0.1:${port};`);
    const asked = /http:\/\/127\.0\.0\.1:(\d+)(\/\w+)/.exec(dockerfile);
    expect(asked?.[1]).toBe(String(port));
    const probes = ['startupProbe', 'readinessProbe', 'livenessProbe'].map((name) => container[name].httpGet.path);
    for (const path of [asked?.[2], ...probes]) expect((await fetch(started.url + path)).status, path).toBe(200);
  });

  it('leave the time that the service takes to end', () => {
    const grace = defaultOf('--grace');
    expect(grace).toBe(25);
    expect(Number.parseInt(compose.services.quantlab.stop_grace_period, 10)).toBeGreaterThan(grace);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(grace + container.lifecycle.preStop.sleep.seconds);
  });

  it('let through what the service takes, as long as it takes', () => {
    const megabytes = defaultOf('--max-megabytes');
    const seconds = defaultOf('--request-limit') + defaultOf('--queue-limit');
    const ingress = manifest('Ingress').metadata.annotations;
    const prefix = 'nginx.ingress.kubernetes.io/proxy-';
    for (const text of [read('post/deploy/nginx.conf'), read('post/deploy/Caddyfile'), ingress[`${prefix}body-size`]]) {
      expect(Number(/(\d+)(?:m\b|MiB)/.exec(text)?.[1])).toBe(megabytes + 1);
    }
    expect(read('post/deploy/nginx.conf')).toContain(`proxy_read_timeout ${seconds}s;`);
    expect(ingress[`${prefix}read-timeout`]).toBe(String(seconds));
  });

  it('scale by a number that the service tells', async () => {
    const { metric } = manifest('HorizontalPodAutoscaler').spec.metrics[0].pods;
    expect(await (await fetch(`${started.url}/metrics`)).text()).toContain(`\n${metric.name} 0\n`);
    const adapter = parse(read('post/deploy/prometheus-adapter.yaml')) as Yaml;
    expect(adapter.rules.custom[0].name.as).toBe(metric.name);
  });
});

describe('containers', () => {
  it('run without root, capabilities, or a root file system that can be written', () => {
    const user = /^USER (\d+):\1$/m.exec(dockerfile)?.[1];
    expect(Number(user)).toBeGreaterThan(0);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: Number(user) });
    expect(container.securityContext).toEqual({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    });
    const { quantlab: service } = compose.services;
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    // What is written is mounted; the cache is where the image says.
    const cache = /QUANTLAB_CACHE=(\S+)/.exec(dockerfile)?.[1];
    expect(container.volumeMounts.map(({ mountPath }: Yaml) => mountPath)).toEqual(
      expect.arrayContaining(['/tmp', cache]),
    );
    const mounts = service.tmpfs as string[];
    expect(mounts.map((one) => one.split(':')[0])).toEqual(['/tmp', cache]);
    expect(mounts[1]).toContain(`uid=${user}`);
  });

  it('are built from files that are there, on a Node that the package takes', () => {
    const kept = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!') && !line.includes('*'));
    for (const line of kept) expect(existsSync(join(root, line.slice(1))), line).toBe(true);
    for (const [, name = ''] of dockerfile.matchAll(/(?:node |&& rm -rf .*?)(\.ci\/\S+)/g))
      expect(kept).toContain(`!${name}`);
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
    const [, major] = /FROM node:(\d+)/.exec(dockerfile) ?? [];
    expect(engines.node).toMatch(new RegExp(`>=\\s*${major}`));
    expect(new Set(dockerfile.match(/^FROM node:\S+/gm)).size).toBe(1);
  });
});
