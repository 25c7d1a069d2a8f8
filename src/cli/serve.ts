import { isIP } from 'node:net';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../errors.js';
import { cacheFolder, resolveModel } from '../recognise/registry/registry.js';
import { isLoopback } from '../service/guard/hosts.js';
import { readKeys } from '../service/guard/keys.js';
import { TranscriptionService } from '../service/service.js';
import { bestDivision } from '../study/bestDivision.js';
import { DEFAULT_MODEL } from '../study/plan.js';
import { marginOption } from './decoderOptions.js';
import { examples } from './help.js';
import { A_MODEL, addThreads, addWorkers, declare, threadsOf } from './optionGroups.js';
import { collect, numberFrom, wholeNumber } from './options.js';
import type { Terminal } from './terminal.js';

interface ServeCommandOptions {
  readonly model?: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly apiKeyFile?: string;
  readonly key: boolean;
  readonly allowHost?: readonly string[];
  readonly allowOrigin?: readonly string[];
  readonly workers: number;
  readonly threads?: number;
  readonly arrangement?: 'auto';
  readonly maxMemory?: number;
  readonly margin?: number;
  readonly queue?: number;
  readonly queueLimit: number;
  readonly requestLimit: number;
  readonly uploadLimit: number;
  readonly maxMegabytes: number;
  readonly maxSeconds: number;
  readonly connections: number;
  readonly grace: number;
  readonly cache?: string | true;
  readonly cacheMemory: number;
  readonly cacheDisk: number;
  readonly similar?: true;
  readonly optimized: boolean;
  readonly quiet?: true;
}

/** What `quantlab laboratory` measured, of a clone of the project. */
const LABORATORY = join('data', 'results', 'laboratory');

const MIB = 2 ** 20;
const SECOND_MS = 1000;

/** `quantlab serve`: speech recognition over HTTP. */
export function addServeCommand(program: Command, terminal: Terminal): void {
  const command = declare(program.command('serve'), addWorkers, addThreads)
    .description('Transcribe over HTTP, by the interface of OpenAI: any program that speaks it works here')
    .addOption(
      new Option(
        '--arrangement <auto>',
        'processes and threads as the laboratory found them best on this processor, else as is measured within seconds',
      )
        .choices(['auto'])
        .conflicts(['workers', 'threads']),
    )
    .option(
      '--host <address>',
      'address to listen on; other than of this machine alone, a key is asked for',
      host,
      '127.0.0.1',
    )
    .option('--port <n>', 'port to listen on; 0 for one that is free', wholeNumber(0, 65_535), 8080)
    .option('--api-key-file <file>', 'ask for a key: those of this file, one a line')
    .option('--no-key', 'ask for none, although others can reach it')
    .option('--allow-host <name>', 'a name that it may be asked by, besides addresses and its own; * for any', collect)
    .option('--allow-origin <origin>', 'a page elsewhere that may ask from a browser; * for any', collect)
    .option('--model <id|path>', `${A_MODEL} (default: ${DEFAULT_MODEL})`, collect)
    .option(
      '--max-memory <n>',
      'memory of all processes, in MiB; the model not used for longest leaves',
      wholeNumber(1),
    );
  addLimits(command.addOption(marginOption()))
    .option('--cache [folder]', 'keep results, in memory and in this folder (default: `results` in the cache)')
    .option('--cache-memory <n>', 'room for results in memory, in MiB', wholeNumber(0), 64)
    .option('--cache-disk <n>', 'room for results on disk, in MiB', wholeNumber(1), 1024)
    .option(
      '--similar',
      'with --cache: the same recording in another encoding, at another volume or with silence around it is known, too',
    )
    .option('--no-optimized', 'do not keep the optimised model on disk')
    .option('--quiet', 'log only what goes wrong')
    .addHelpText('after', examples('serve', 'serve small.onnx deepspeech2-lstm --port 9000 --workers 2 --cache'))
    .argument('[models...]', `${A_MODEL}; the first is loaded at once, others when they are asked for`)
    .action(async (models: readonly string[], options: ServeCommandOptions) => {
      const service = await TranscriptionService.start(await serviceOptions(models, options, terminal));
      const reload = (): void => {
        void service.reload().then(
          (changed) => terminal.say(`reload: ${changed.join(', ') || 'no model'} changed\n`),
          (error: unknown) => terminal.say(`reload: the models before go on: ${(error as Error).message}\n`),
        );
      };
      process.on('SIGHUP', reload);
      try {
        const port = await service.listen(options.port, options.host);
        terminal.print(`http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}\n`);
        terminal.say('listening; stop with Ctrl-C or SIGTERM\n');
        await toldToEnd(terminal.signal);
        terminal.say('ending: what is under way is answered\n');
      } finally {
        await service.close();
        process.off('SIGHUP', reload);
      }
    });
}

function addLimits(command: Command): Command {
  return command
    .option('--queue <n>', 'requests that may wait (default: 16 for each process)', wholeNumber(1))
    .option('--queue-limit <s>', 'longest time in the queue, in seconds', numberFrom(0.1), 60)
    .option('--request-limit <s>', 'longest time for one recording in a process, in seconds', numberFrom(0.1), 600)
    .option('--upload-limit <s>', 'longest time to send a request, in seconds', numberFrom(1), 120)
    .option('--max-megabytes <n>', 'largest recording, in MiB', wholeNumber(1), 256)
    .option('--max-seconds <s>', 'longest recording, in seconds', numberFrom(1), 4 * 3600)
    .option('--connections <n>', 'connections of one address', wholeNumber(1), 256)
    .option('--grace <s>', 'time for what is under way when it ends, in seconds', numberFrom(0), 25);
}

async function serviceOptions(
  models: readonly string[],
  options: ServeCommandOptions,
  terminal: Terminal,
): Promise<Parameters<typeof TranscriptionService.start>[0]> {
  const folder = options.cache === true ? join(cacheFolder(), 'results') : options.cache;
  if (options.similar && folder === undefined) {
    throw new UsageError('--similar: --cache was required, got none; results that are not kept cannot be found');
  }
  const [first = DEFAULT_MODEL, ...others] = [...models, ...(options.model ?? [])];
  return {
    models: [first, ...others],
    ...(await divisionOf(first, options, terminal)),
    keys: await keysOf(options),
    allowedHosts: [options.host, ...(options.allowHost ?? [])],
    allowedOrigins: options.allowOrigin,
    maximumMemoryBytes: options.maxMemory === undefined ? undefined : options.maxMemory * MIB,
    marginS: options.margin,
    queueLimit: options.queue,
    queueLimitMs: options.queueLimit * SECOND_MS,
    requestLimitMs: options.requestLimit * SECOND_MS,
    uploadLimitMs: options.uploadLimit * SECOND_MS,
    maximumBodyBytes: options.maxMegabytes * MIB,
    maximumS: options.maxSeconds,
    connectionLimit: options.connections,
    graceMs: options.grace * SECOND_MS,
    optimizedFolder: options.optimized ? join(cacheFolder(), 'optimized') : undefined,
    log: terminal.say,
    logLevel: options.quiet ? 'warn' : 'info',
    ...(folder !== undefined && {
      cache: {
        memoryBytes: options.cacheMemory * MIB,
        folder,
        diskBytes: options.cacheDisk * MIB,
        similar: options.similar === true,
      },
    }),
  };
}

async function divisionOf(
  model: string,
  options: ServeCommandOptions,
  { say, signal }: Terminal,
): Promise<{ readonly workers: number; readonly threads: number }> {
  const { arrangement, workers } = options;
  if (arrangement === undefined) return { workers, threads: await threadsOf(options, workers) };
  const { streams, threads, source } = await bestDivision(await resolveModel(model), LABORATORY, { signal });
  const how = source === 'laboratory' ? 'as the laboratory found it best' : 'measured as the best just now';
  say(`arrangement: ${streams} × ${threads} thread${threads === 1 ? '' : 's'}, ${how}\n`);
  return { workers: streams, threads };
}

/** Whoever can reach the service may ask it: where that is more than this machine, a key must be asked for or done without. */
async function keysOf({ apiKeyFile, key, host: address }: ServeCommandOptions): Promise<readonly string[]> {
  if (apiKeyFile !== undefined) return await readKeys(apiKeyFile);
  if (!key || isLoopback(address)) return [];
  throw new UsageError(
    `--host ${address}: a key was required where other machines can ask, got none; give --api-key-file FILE, or --no-key if that is meant`,
  );
}

/** Parses an address or name to listen on: an empty one would be every address. */
function host(text: string): string {
  const name = text.replace(/^\[(.*)\]$/, '$1');
  if (isIP(name) > 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(name)) return name;
  throw new InvalidArgumentError('An address or a name of this machine is required, such as 127.0.0.1 or 0.0.0.0.');
}

/** How often is looked whether npm is still there, in milliseconds. */
const LOOK_EVERY_MS = 500;

/**
 * Waits for Ctrl-C, SIGTERM, or the end of the npm that started this: npm hands signals to the shell between them, which ends without
 * a word. Started otherwise, a service outlives whoever started it.
 */
async function toldToEnd(signal: AbortSignal): Promise<void> {
  const parent = process.ppid;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (process.env['npm_command'] !== undefined && process.ppid !== parent) end();
    }, LOOK_EVERY_MS);
    const end = (): void => {
      clearInterval(timer);
      resolve();
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
  });
}
