import { InputError, QuantlabError, UnavailableError } from '../../errors.js';

/** What every answer but 2xx carries: the form of OpenAI's interface. */
export interface ServiceError {
  readonly error: {
    readonly message: string;
    readonly type: string;
    /** The field of the request that was wrong. */
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** What is wrong with a request, and what HTTP and programs call it. */
export interface Wrong {
  readonly status: number;
  /** For programs: one word. */
  readonly code: string;
  readonly param?: string | undefined;
  /** When to come back, in seconds. */
  readonly retryAfterS?: number | undefined;
  /** More headers of the answer. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A request that is refused for what it is. */
export class RequestError extends InputError {
  override readonly name: string = 'RequestError';
  readonly wrong: Wrong;

  constructor(message: string, wrong: Wrong, options?: ErrorOptions) {
    super(message, options);
    this.wrong = wrong;
  }
}

/** A request that is refused for what this service cannot do just now. */
export class BusyError extends UnavailableError {
  override readonly name: string = 'BusyError';
  readonly wrong: Wrong;

  constructor(message: string, wrong: Wrong, options?: ErrorOptions) {
    super(message, options);
    this.wrong = wrong;
  }
}

/** How a request is refused. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ServiceError;
  /** What the operator is told; nothing where the request was to blame. */
  readonly trouble: string | undefined;
}

/** What is said to come back after where nothing better is known, in seconds. */
const RETRY_AFTER_S = 1;

/** What is said of a fault of ours: paths, stacks and versions are the operator's, not the client's. */
const FAULT = 'service: an answer was required, got a fault of ours; send it again, or tell whoever runs the service';

/** Turns what was thrown into an answer that names no path and no stack. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof RequestError || error instanceof BusyError) {
    const trouble = error instanceof BusyError && error.cause !== undefined ? troubleOf(error) : undefined;
    return refuse(error.message, error.wrong, trouble);
  }
  if (error instanceof InputError) return refuse(error.message, { status: 400, code: 'invalid_input' }, undefined);
  if (error instanceof QuantlabError) {
    const wrong = { status: 503, code: 'unavailable', retryAfterS: RETRY_AFTER_S };
    return refuse('service: a process that answers was required, got none; come back later', wrong, troubleOf(error));
  }
  const { statusCode = 500, code } = error as { readonly statusCode?: number; readonly code?: string };
  // The framework's own: a media type, a field, a body that is not what its headers say.
  if (statusCode < 500) {
    return refuse(`request: ${(error as Error).message}`, { status: statusCode, code: codeOf(code) }, undefined);
  }
  return refuse(FAULT, { status: 500, code: 'fault' }, troubleOf(error as Error));
}

function refuse(message: string, wrong: Wrong, trouble: string | undefined): Refusal {
  const { status, code, param = null, headers = {}, retryAfterS } = wrong;
  const retry = retryAfterS ?? (status === 503 || status === 429 ? RETRY_AFTER_S : undefined);
  return {
    status,
    headers: { ...headers, ...(retry !== undefined && { 'retry-after': String(Math.ceil(retry)) }) },
    body: { error: { message, type: typeOf(status), param, code } },
    trouble,
  };
}

/** OpenAI's words for kinds of errors. */
function typeOf(status: number): string {
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

function codeOf(code: string | undefined): string {
  return (code ?? 'bad_request').replace(/^FST_(ERR_)?/, '').toLowerCase();
}

function troubleOf(error: Error): string {
  const { cause } = error;
  return cause instanceof Error ? `${error.message} (${cause.message})` : error.message;
}
