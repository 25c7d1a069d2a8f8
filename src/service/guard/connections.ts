import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { RequestError } from '../answers/refusal.js';

/** How long a connection beyond the limit may take to begin to ask, in milliseconds: it is told why it is refused. */
const PATIENCE_MS = 2000;

/** Refuses connections of one address beyond a number, so that one client cannot hold them all. */
export class ConnectionLimit {
  readonly #limit: number;
  readonly #counts = new Map<string, number>();
  readonly #refused = new WeakSet<Socket>();

  /** @param limit - connections of one address */
  constructor(server: Server, limit: number) {
    this.#limit = limit;
    server.on('connection', (socket: Socket) => this.#opened(socket));
  }

  /**
   * Checks a connection when something is asked over it.
   *
   * @throws {RequestError} when its address had too many as it was opened
   */
  check(socket: Socket): void {
    if (!this.#refused.has(socket)) return;
    const message = `connections: at most ${this.#limit} of one address were required, got more; close some`;
    throw new RequestError(message, { status: 429, code: 'too_many_connections', headers: { connection: 'close' } });
  }

  #opened(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const count = (this.#counts.get(address) ?? 0) + 1;
    this.#counts.set(address, count);
    // What has come meanwhile is read first, where much was to do; who has begun to ask ends by the time for the head of a request.
    const end = (): void => void setImmediate(() => socket.bytesRead === 0 && socket.destroy());
    const timer = count > this.#limit ? setTimeout(end, PATIENCE_MS) : undefined;
    if (timer !== undefined) this.#refused.add(socket);
    socket.once('close', () => {
      clearTimeout(timer);
      const left = (this.#counts.get(address) ?? 1) - 1;
      if (left > 0) this.#counts.set(address, left);
      else this.#counts.delete(address);
    });
  }
}
