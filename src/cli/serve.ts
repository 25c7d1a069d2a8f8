import { join } from 'node:path';
import type { Command } from 'commander';
import { cacheFolder, resolveModel } from '../recognise/registry/registry.js';
import { TranscriptionService } from '../service/service.js';
import { DEFAULT_MODEL } from '../study/plan.js';
import { examples } from './help.js';
import { A_MODEL, addThreads, addWorkers, declare, threadsOf } from './optionGroups.js';
import { wholeNumber } from './options.js';
import type { Terminal } from './terminal.js';

interface ServeCommandOptions {
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  readonly threads?: number;
  readonly queue?: number;
  readonly maxMegabytes: number;
  readonly cache?: string | true;
  readonly cacheMemory: number;
  readonly cacheDisk: number;
  readonly optimized: boolean;
}

/** `quantlab serve`: speech recognition over HTTP. */
export function addServeCommand(program: Command, terminal: Terminal): void {
  declare(program.command('serve'), addWorkers, addThreads)
    .description('Transcribe over HTTP: POST /transcribe with the bytes of a recording; GET /health, /model, /metrics')
    .option('--host <address>', 'address to listen on; anybody who reaches it may ask', '127.0.0.1')
    .option('--port <n>', 'port to listen on; 0 for one that is free', wholeNumber(0, 65_535), 8080)
    .option('--queue <n>', 'requests that may wait (default: 16 for each process)', wholeNumber(1))
    .option('--max-megabytes <n>', 'largest recording, in MiB', wholeNumber(1), 64)
    .option('--cache [folder]', 'keep results, in memory and in this folder (default: `results` in the cache)')
    .option('--cache-memory <n>', 'room for results in memory, in MiB', wholeNumber(0), 64)
    .option('--cache-disk <n>', 'room for results on disk, in MiB', wholeNumber(1), 1024)
    .option('--no-optimized', 'do not keep the optimised model on disk')
    .addHelpText('after', examples('serve', 'serve small.onnx --port 9000 --workers 2 --cache'))
    .argument('[model]', A_MODEL, DEFAULT_MODEL)
    .action(async (model: string, options: ServeCommandOptions) => {
      const folder = options.cache === true ? join(cacheFolder(), 'results') : options.cache;
      const service = await TranscriptionService.start({
        model: await resolveModel(model),
        workers: options.workers,
        threads: await threadsOf(options, options.workers),
        queueLimit: options.queue,
        maximumBodyBytes: options.maxMegabytes * 2 ** 20,
        optimizedFolder: options.optimized ? join(cacheFolder(), 'optimized') : undefined,
        onTrouble: (message) => terminal.say(`${message}\n`),
        ...(folder !== undefined && {
          cache: { memoryBytes: options.cacheMemory * 2 ** 20, folder, diskBytes: options.cacheDisk * 2 ** 20 },
        }),
      });
      try {
        const port = await service.listen(options.port, options.host);
        const host = options.host.includes(':') ? `[${options.host}]` : options.host;
        terminal.print(`http://${host}:${port}\n`);
        terminal.say('listening; stop with Ctrl-C or SIGTERM\n');
        await new Promise<void>((resolve) => {
          if (terminal.signal.aborted) resolve();
          terminal.signal.addEventListener('abort', () => resolve(), { once: true });
        });
        terminal.say('ending: what is under way is answered\n');
      } finally {
        await service.close();
      }
    });
}
