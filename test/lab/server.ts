import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { openSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../notebook/cells.js';

/** A JupyterLab of our own. */
export interface Lab {
  /** With a slash at its end. */
  readonly url: string;
  readonly token: string;
  /** Copies of notebooks lie here, beside `notebooks`, so that what they name relative to it is found. */
  readonly copies: string;
  /** The same seen from the server. */
  readonly copiesPath: string;
  /** Ends all kernels. */
  endKernels(): Promise<void>;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 120_000;

/** After this a server whose test was killed ends by itself. */
const ABANDONED_S = 900;

/**
 * Starts JupyterLab from the environment of `.ci/lab.mjs`: a free port, a token of its own, folders of its own for settings,
 * workspaces and signatures, so that nothing of a person's is read or changed.
 *
 * @param python - of the environment
 */
export async function startLab(python: string): Promise<Lab> {
  const own = await mkdtemp(join(tmpdir(), 'quantlab-lab-'));
  const copies = await mkdtemp(join(ROOT, '.lab-'));
  const token = randomBytes(24).toString('hex');
  const log = join(own, 'log');
  const server = spawn(python, argumentsOf(), {
    cwd: ROOT,
    stdio: ['ignore', openSync(log, 'w'), openSync(log, 'a')],
    env: {
      ...process.env,
      JUPYTER_TOKEN: token,
      JUPYTER_CONFIG_DIR: join(own, 'config'),
      JUPYTER_DATA_DIR: join(own, 'data'),
      JUPYTER_RUNTIME_DIR: join(own, 'runtime'),
      JUPYTERLAB_SETTINGS_DIR: join(own, 'settings'),
      JUPYTERLAB_WORKSPACES_DIR: join(own, 'workspaces'),
    },
  });
  const kill = (): void => void server.kill('SIGTERM');
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    await end(server);
    process.off('exit', kill);
    await Promise.all([own, copies].map((folder) => rm(folder, { recursive: true, force: true, maxRetries: 5 })));
  };
  try {
    const url = await urlOf(join(own, 'runtime'), server);
    const headers = { authorization: `token ${token}` };
    const endKernels = async (): Promise<void> => {
      const sessions = (await (await fetch(`${url}api/sessions`, { headers })).json()) as readonly { id: string }[];
      await Promise.all(sessions.map(({ id }) => fetch(`${url}api/sessions/${id}`, { method: 'DELETE', headers })));
    };
    return { url, token, copies, copiesPath: copies.slice(ROOT.length), endKernels, stop };
  } catch (error) {
    const last = readFileSync(log, 'utf8').trim().split('\n').slice(-20).join('\n');
    await stop();
    throw new Error(`JupyterLab: a server that starts was required, got this; run npm run lab to see more\n${last}`, {
      cause: error,
    });
  }
}

function argumentsOf(): string[] {
  return [
    ...['-m', 'jupyterlab', '--no-browser', '--ServerApp.ip=127.0.0.1', `--ServerApp.root_dir=${ROOT}`],
    // Several tests at once each find a port of their own.
    ...['--ServerApp.port=9000', '--ServerApp.port_retries=500', '--ContentsManager.allow_hidden=True'],
    ...['--LabApp.news_url=None', '--LabApp.extension_manager=readonly'],
    ...[
      `--ServerApp.shutdown_no_activity_timeout=${ABANDONED_S}`,
      `--MappingKernelManager.cull_idle_timeout=${ABANDONED_S}`,
    ],
    ...(process.getuid?.() === 0 ? ['--allow-root'] : []),
  ];
}

/** The server writes down where it listens once it does. */
async function urlOf(folder: string, server: ChildProcess): Promise<string> {
  for (const start = performance.now(); performance.now() - start < START_TIMEOUT_MS; await sleep(100)) {
    if (server.exitCode !== null) throw new Error(`JupyterLab ended with ${server.exitCode}`);
    try {
      const name = readdirSync(folder).find((each) => /^jpserver-\d+\.json$/.test(each));
      if (name) return (JSON.parse(readFileSync(join(folder, name), 'utf8')) as { url: string }).url;
    } catch {
      // Not there yet, or half written.
    }
  }
  throw new Error(`JupyterLab did not listen within ${START_TIMEOUT_MS / 1000} s`);
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  server.kill('SIGTERM');
  await Promise.race([ended, sleep(20_000, undefined, { ref: false })]);
  if (server.exitCode === null) server.kill('SIGKILL');
  await ended;
}
