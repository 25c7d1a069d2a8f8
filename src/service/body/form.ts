import type { FastifyRequest } from 'fastify';
import { QuantlabError } from '../../errors.js';
import { RequestError } from '../answers/refusal.js';
import { checkLength, saveBody } from './saveBody.js';

/** A form with a recording, as programs send it. */
export interface Form {
  /** SHA-256 of the recording. */
  readonly sha256: string;
  /** All other fields; one that is given several times has several values. `[]` at the end of a name is left out. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
}

/** Fields of a form besides the recording, in number and bytes: a prompt is the longest. */
const [MOST_FIELDS, FIELD_BYTES] = [64, 64 * 1024];

/**
 * Reads a form (`multipart/form-data`): the recording into a file, all else into memory.
 *
 * @param path - a file that is not there yet
 * @throws {RequestError} when it is no form, is cut, or has no recording or one that is too large
 */
export async function readForm(request: FastifyRequest, path: string, maximumBytes: number): Promise<Form> {
  if (!request.isMultipart()) {
    const wrong = { status: 415, code: 'unsupported_media_type' };
    throw new RequestError('body: multipart/form-data was required, got another type; send a form with `file`', wrong);
  }
  checkLength(request.headers['content-length'], maximumBytes + MOST_FIELDS * FIELD_BYTES);
  const fields = new Map<string, string[]>();
  let sha256: string | undefined;
  const limits = { files: 1, fields: MOST_FIELDS, fieldSize: FIELD_BYTES, fileSize: maximumBytes + 1 };
  try {
    for await (const part of request.parts({ limits })) {
      const name = part.fieldname.replace(/\[\]$/, '');
      if (part.type === 'field') {
        fields.set(name, [...(fields.get(name) ?? []), String(part.value)]);
        continue;
      }
      if (name !== 'file') throw missing(`got a file called ${JSON.stringify(name)}`);
      try {
        ({ sha256 } = await saveBody(part.file, path, maximumBytes));
      } finally {
        part.file.resume();
      }
    }
  } catch (error) {
    if (error instanceof QuantlabError || 'statusCode' in (error as object)) throw error;
    const message = `body: a whole form was required, got ${(error as Error).message}; send it again`;
    throw new RequestError(message, { status: 400, code: 'bad_form' }, { cause: error });
  }
  if (sha256 === undefined) throw missing('got none');
  return { sha256, fields };
}

function missing(got: string): RequestError {
  const wrong = { status: 400, code: 'missing_required_parameter', param: 'file' };
  return new RequestError(`file: a recording was required, ${got}; send it as the form's field \`file\``, wrong);
}
