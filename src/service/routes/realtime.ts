import fastifyWebsocket from '@fastify/websocket';
import type { FastifyInstance } from 'fastify';
import { LiveSession } from '../live/session.js';
import type { Service } from './route.js';

/** One message: more than a minute of sound at 48 kHz, in base64. */
const MESSAGE_BYTES = 8 * 2 ** 20;

/** How long clients may take to close when the service ends, in milliseconds. */
const PATIENCE_MS = 1000;

/** Closes all when the service ends; a client that does not answer is cut off. */
function preClose(this: FastifyInstance, done: () => void): void {
  const { clients } = this.websocketServer;
  for (const client of clients) client.close(1001, 'the service ends');
  const timer = setTimeout(() => {
    for (const client of clients) client.terminate();
  }, PATIENCE_MS);
  this.websocketServer.close(() => {
    clearTimeout(timer);
    done();
  });
}

/** `WS /v1/realtime`: sound in while it is spoken, texts out, as OpenAI's realtime transcription. */
export function addRealtime(app: FastifyInstance, service: Service): void {
  void app.register(async (scope) => {
    await scope.register(fastifyWebsocket, { options: { maxPayload: MESSAGE_BYTES }, preClose });
    scope.get<{ Querystring: { model?: string } }>(
      '/v1/realtime',
      {
        websocket: true,
        config: { isQueued: true },
        schema: { hide: true },
        // While an answer of HTTP is possible.
        preHandler: (request, _reply, done) => {
          service.transcriber.models.get(request.query.model);
          done();
        },
      },
      (socket, request) => {
        new LiveSession(socket, service, request.client, request.query.model);
      },
    );
  });
}
