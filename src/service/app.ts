import { type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import fastifySwagger from '@fastify/swagger';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { ERROR } from './answers/described.js';
import { RequestError, refusalOf } from './answers/refusal.js';
import { ConnectionLimit } from './guard/connections.js';
import { checkHosts, isAllowedOrigin } from './guard/hosts.js';
import { Keys } from './guard/keys.js';
import { addModels } from './routes/models.js';
import { addPage } from './routes/page.js';
import { addRealtime } from './routes/realtime.js';
import type { Service } from './routes/route.js';
import { addStatus } from './routes/status.js';
import { addTranscribe } from './routes/transcribe.js';
import { addTranscriptions } from './routes/transcriptions.js';
import { ending } from './workers/taskQueue.js';

/** How often connections are looked through for those that took too long, in milliseconds. */
const CHECK_EVERY_MS = 1000;
/** Longest time to send the head of a request, in milliseconds. */
const HEAD_LIMIT_MS = 20_000;
/** Bodies that are read into memory: fields, not recordings. */
const FIELDS_BYTES = 2 ** 20;
const KEEP_ALIVE_MS = 5000;
/** The client left before its answer: nginx's number. */
const CLIENT_LEFT = 499;

/** The service over HTTP: what every request passes before its route, and what becomes of errors. */
export async function createApp(service: Service): Promise<FastifyInstance> {
  const { settings } = service;
  const app = fastify({
    logger: settings.log === undefined ? false : { level: settings.logLevel, stream: { write: settings.log } },
    // Ours says how it ended, also where the client left.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: FIELDS_BYTES,
    requestTimeout: settings.uploadLimitMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: {
      headersTimeout: Math.min(HEAD_LIMIT_MS, settings.uploadLimitMs),
      connectionsCheckingInterval: CHECK_EVERY_MS,
    },
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler: refuseGarbage,
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
    ajv: { customOptions: { coerceTypes: 'array', removeAdditional: false } },
  });
  const routes = rememberRoutes(app);
  guard(app, service);
  app.setErrorHandler(answerError);
  // Before a body is read, which methods that nobody knows may need to describe.
  app.addHook('onRequest', async ({ is404, method, url }) => {
    if (is404) throw routes.unknown(url.split('?', 1)[0] ?? '/', method);
  });
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'quantlab', description: 'Transcripts of recordings, by compressed recognisers.', version: '1' },
      ...(settings.keys.length > 0 && {
        components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
        security: [{ key: [] }],
      }),
    },
    transform: ({ schema, url, route }) => {
      const { described, isPublic = false } = route.config ?? {};
      if (described === undefined) return { schema: schema ?? {}, url };
      const { body, answer } = described;
      const security = isPublic && { security: [] };
      const response = { 200: answer, '4xx': ERROR, '5xx': described.failed ?? ERROR };
      return { schema: { ...schema, ...(body !== undefined && { body }), ...security, response }, url };
    },
  });
  addTranscriptions(app, service);
  addTranscribe(app, service);
  addRealtime(app, service);
  addStatus(app, service);
  addModels(app, service);
  await addPage(app);
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  await app.ready();
  return app;
}

/** What comes before every route: who asks, what for, and whether there is room. */
function guard(app: FastifyInstance, { settings, transcriber, metrics, isEnding }: Service): void {
  const keys = new Keys(settings.keys);
  const connections = new ConnectionLimit(app.server as Server, settings.connectionLimit);
  app.decorateRequest('client', '');
  app.addHook('onRequest', async (request, reply) => {
    const started = performance.now();
    reply.raw.once('close', () => {
      if (request.ws && !reply.raw.headersSent) return;
      const status = reply.raw.writableFinished ? reply.raw.statusCode : CLIENT_LEFT;
      const path = request.routeOptions.url ?? 'other';
      metrics.answered(path, status);
      request.log.info(
        { method: request.method, path, status, ms: Math.round(performance.now() - started) },
        'request',
      );
    });
    void reply.header('cache-control', 'no-store');
    // A connection that asked for another protocol and did not get it belongs to nobody any more.
    if (request.headers.upgrade !== undefined) reply.raw.once('finish', () => request.raw.socket.end());
    connections.check(request.socket);
    checkHosts(request.headers, settings);
    if (allowOrigin(request, reply, settings.allowedOrigins)) return reply;
    const { isPublic = false, isQueued = false } = request.routeOptions.config;
    const address = request.socket.remoteAddress ?? '';
    request.client = isPublic ? address : keys.clientOf(request.headers.authorization, address);
    if (isEnding() && !isPublic) throw ending();
    if (isQueued) transcriber.workers.queue.checkRoom(request.client);
    return undefined;
  });
}

/** Lets pages of other origins read the answer, where they were named. @returns whether that was all that was asked */
function allowOrigin(request: FastifyRequest, reply: FastifyReply, allowedOrigins: readonly string[]): boolean {
  const { origin } = request.headers;
  if (origin === undefined || !isAllowedOrigin(origin, allowedOrigins)) return false;
  void reply.headers({ 'access-control-allow-origin': origin, vary: 'Origin' });
  if (request.method !== 'OPTIONS') return false;
  const permitted = { 'access-control-allow-methods': 'GET, POST', 'access-control-max-age': '600' };
  void reply
    .headers({ ...permitted, 'access-control-allow-headers': 'Authorization, Content-Type' })
    .code(204)
    .send();
  return true;
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, headers, body, trouble } = refusalOf(error);
  if (trouble !== undefined) request.log.error({ status, trouble }, 'request failed');
  if (!request.raw.complete) {
    // What the client still sends is read and dropped: it would not see the answer otherwise.
    void reply.header('connection', 'close');
    request.raw.resume();
  }
  return reply.code(status).headers(headers).send(body);
}

/** Answers what is no HTTP, or came too slowly. */
function refuseGarbage(error: NodeJS.ErrnoException & { readonly rawPacket?: unknown }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
  const message = `request: HTTP that is sent in time was required, got ${STATUS_CODES[status]}; mend the request`;
  const body = JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code: 'bad_http' } });
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\nConnection: close`;
  socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, () => socket.destroy());
}

/** Which paths there are, and what is said of others. */
function rememberRoutes(app: FastifyInstance): { readonly unknown: (path: string, method: string) => RequestError } {
  const paths: string[] = [];
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method, config }) => {
    if (!paths.includes(url) && config?.isOfPage !== true) paths.push(url);
    routes.push({ pattern: new RegExp(`^${url.replaceAll(/:[a-z]+/gi, '[^/]+')}$`), methods: [method].flat() });
  });
  const unknown = (path: string, method: string): RequestError => {
    const methods = routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
    if (methods.length === 0) {
      const message = `${path}: one of ${paths.join(', ')} was required, got another path; choose one`;
      return new RequestError(message, { status: 404, code: 'not_found' });
    }
    const allow = methods.join(', ');
    const message = `${path}: ${allow} was required, got ${method}; use that method`;
    return new RequestError(message, { status: 405, code: 'method_not_allowed', headers: { allow } });
  };
  return { unknown };
}
