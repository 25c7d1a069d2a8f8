import type { FastifyInstance } from 'fastify';
import { DESCRIBED } from '../answers/described.js';
import type { Service } from './route.js';

/** `GET /healthz`, `/readyz` and `/metrics`: for whoever runs the service. */
export function addStatus(app: FastifyInstance, { transcriber, metrics, isEnding }: Service): void {
  app.get(
    '/healthz',
    { config: { isPublic: true, described: DESCRIBED.health }, schema: { summary: 'Whether the service lives' } },
    (_request, reply): void => {
      void reply.send({ status: isEnding() ? 'ending' : 'ok' });
    },
  );
  app.get(
    '/readyz',
    {
      config: { isPublic: true, described: DESCRIBED.ready },
      schema: { summary: 'Whether the service can transcribe: 200 or 503' },
    },
    (_request, reply): void => {
      const { fleet, queue } = transcriber.workers;
      const { ready, busy } = fleet;
      const isReady = ready > 0 && !isEnding();
      const status = isEnding() ? 'ending' : isReady ? 'ok' : 'no process';
      void reply.code(isReady ? 200 : 503).send({ status, workers: ready, busy, waiting: queue.length });
    },
  );
  app.get(
    '/metrics',
    { config: { described: DESCRIBED.metrics }, schema: { summary: 'Counts, for Prometheus' } },
    async (_request, reply): Promise<string> => {
      void reply.type(metrics.contentType);
      return await metrics.render();
    },
  );
}
