import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Described } from '../answers/described.js';
import type { RecordingsFolder } from '../body/recordingsFolder.js';
import { clientGone } from '../flights.js';
import type { ServiceMetrics } from '../metrics.js';
import type { Settings } from '../options.js';
import type { Transcriber } from '../transcriber.js';

/** What routes have in common. */
export interface Service {
  readonly settings: Settings;
  readonly transcriber: Transcriber;
  readonly folder: RecordingsFolder;
  readonly metrics: ServiceMetrics;
  /** Whether the service is about to end. */
  readonly isEnding: () => boolean;
  /** Reads the models anew. @returns names of those that changed */
  readonly reload: () => Promise<readonly string[]>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose it is, for the queue. */
    client: string;
  }
  interface FastifyContextConfig {
    /** What `/openapi.json` says of it besides. */
    described?: Described;
    /** Answered without a key. */
    isPublic?: boolean;
    /** A file of the page: nothing that programs ask for. */
    isOfPage?: boolean;
    /** Waits for a process: refused before its body is read when too many wait. */
    isQueued?: boolean;
  }
}

/** A signal that is aborted when the client leaves before its answer is out. */
export function goneSignal(_request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort(clientGone());
  });
  return gone.signal;
}
