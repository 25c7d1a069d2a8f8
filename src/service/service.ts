import type { AddressInfo, Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { UnavailableError } from '../errors.js';
import { createApp } from './app.js';
import { RecordingsFolder } from './body/recordingsFolder.js';
import { type Gauges, ServiceMetrics } from './metrics.js';
import { type ServiceOptions, settingsOf } from './options.js';
import { Transcriber } from './transcriber.js';

/** How often connections are looked for that have nothing to do, when the service ends, in milliseconds. */
const SWEEP_EVERY_MS = 50;

/**
 * Speech recognition over HTTP: see `post/the-service.md`. Recordings are heard by processes of their own; a queue before them takes a
 * limited number and refuses the rest.
 *
 * @example
 * const service = await TranscriptionService.start({ models: ['deepspeech2-lstm'], workers: 2, threads: 1 });
 * const port = await service.listen(0);
 */
export class TranscriptionService {
  readonly #app: FastifyInstance;
  readonly #transcriber: Transcriber;
  readonly #folder: RecordingsFolder;
  readonly #graceMs: number;
  readonly #state: { isEnding: boolean };
  /** Also those that speak another protocol by now, which the server does not know any more. */
  readonly #sockets = new Set<Socket>();

  private constructor(
    app: FastifyInstance,
    transcriber: Transcriber,
    folder: RecordingsFolder,
    graceMs: number,
    state: { isEnding: boolean },
  ) {
    this.#app = app;
    this.#transcriber = transcriber;
    this.#folder = folder;
    this.#graceMs = graceMs;
    this.#state = state;
    app.server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /**
   * Starts the processes; it listens when it is told to.
   *
   * @throws {InputError} when a model cannot be loaded, or an option is not possible
   * @throws {UnavailableError} when a folder cannot be written
   */
  static async start(options: ServiceOptions): Promise<TranscriptionService> {
    const settings = settingsOf(options);
    const state = { isEnding: false };
    let say: (trouble: string) => void = () => undefined;
    const folder = await RecordingsFolder.open(settings.temporaryFolder);
    try {
      const transcriber = await Transcriber.start(settings, folder, (trouble) => say(trouble));
      const metrics = new ServiceMetrics(() => gaugesOf(transcriber));
      const reload = async (): Promise<readonly string[]> => await transcriber.reload();
      const app = await createApp({ settings, transcriber, folder, metrics, reload, isEnding: () => state.isEnding });
      say = (trouble) => app.log.error(trouble);
      return new TranscriptionService(app, transcriber, folder, settings.graceMs, state);
    } catch (error) {
      await folder.close();
      throw error;
    }
  }

  /**
   * Begins to listen.
   *
   * @param port - 0: one that is free
   * @param host - address of this machine that is listened on
   * @returns the port
   * @throws {UnavailableError} when the port is taken or not permitted
   */
  async listen(port: number, host: string = '127.0.0.1'): Promise<number> {
    try {
      await this.#app.listen({ port, host });
    } catch (error) {
      const got = (error as Error).message;
      throw new UnavailableError(`${host}:${port}: a free port was required, got ${got}; choose another`);
    }
    return (this.#app.server.address() as AddressInfo).port;
  }

  /**
   * Reads the models anew, whose files may have been replaced; nothing that is under way is lost.
   *
   * @returns names of those that changed
   * @throws {InputError} when one cannot be loaded: those before go on
   */
  async reload(): Promise<readonly string[]> {
    return await this.#transcriber.reload();
  }

  /** Answers what is under way, refuses what comes now, and ends the processes; what takes longer than the grace is cut off. */
  async close(): Promise<void> {
    this.#state.isEnding = true;
    const { server } = this.#app;
    // Node.js itself does not look for stalled requests any more once a server closes.
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, this.#graceMs);
    // Connections that have had their answer would be kept for the next request.
    const sweeper = setInterval(() => server.closeIdleConnections(), SWEEP_EVERY_MS);
    await this.#app.close();
    clearTimeout(timer);
    clearInterval(sweeper);
    await this.#transcriber.workers.stop();
    await this.#folder.close();
  }
}

function gaugesOf({ workers: { queue, fleet }, cacheCounts }: Transcriber): Gauges {
  return {
    queueLength: queue.length,
    oldestWaitS: queue.oldestWaitS,
    workersReady: fleet.ready,
    workersBusy: fleet.busy,
    workerRestarts: fleet.restarts,
    memoryHits: cacheCounts.memoryHits,
    diskHits: cacheCounts.diskHits,
    cacheMisses: cacheCounts.misses,
    cacheFailedWrites: cacheCounts.failedWrites,
  };
}
