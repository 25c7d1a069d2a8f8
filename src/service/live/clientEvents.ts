import { z } from 'zod';
import { RequestError } from '../answers/refusal.js';

const transcription = z.object({
  model: z.string().optional(),
  language: z.string().optional(),
  prompt: z.string().optional(),
});

const turnDetection = z
  .object({
    type: z.enum(['server_vad', 'semantic_vad']).optional(),
    silence_duration_ms: z.number().min(100).max(10_000).optional(),
    prefix_padding_ms: z.number().min(0).max(5000).optional(),
  })
  .nullable();

const rate = z.number().int().min(8000).max(48_000);

/** What a client says: OpenAI's events, of the present form and of the beta's (`transcription_session.update`). */
const clientEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('session.update'),
    session: z.object({
      audio: z
        .object({
          input: z
            .object({
              format: z.object({ type: z.literal('audio/pcm').optional(), rate: rate.optional() }).optional(),
              transcription: transcription.nullable().optional(),
              turn_detection: turnDetection.optional(),
            })
            .optional(),
        })
        .optional(),
    }),
  }),
  z.object({
    type: z.literal('transcription_session.update'),
    session: z.object({
      input_audio_format: z.literal('pcm16').optional(),
      input_audio_transcription: transcription.nullable().optional(),
      turn_detection: turnDetection.optional(),
    }),
  }),
  z.object({ type: z.literal('input_audio_buffer.append'), audio: z.base64() }),
  z.object({ type: z.literal('input_audio_buffer.commit') }),
  z.object({ type: z.literal('input_audio_buffer.clear') }),
]);

/** How a session hears. */
export interface SessionSettings {
  readonly model: string | undefined;
  readonly prompt: string | undefined;
  readonly language: string | undefined;
  readonly sampleRateHz: number;
  /** `null`: turns end by `input_audio_buffer.commit` alone. */
  readonly silenceS: number | null;
  readonly prefixS: number;
}

/** As OpenAI's: 24 kHz, half a second of silence, 0.3 s before. */
export const SESSION_DEFAULTS: SessionSettings = {
  ...{ model: undefined, prompt: undefined, language: undefined },
  ...{ sampleRateHz: 24_000, silenceS: 0.5, prefixS: 0.3 },
};

/** What a client wants. */
export type ClientWish =
  | { readonly kind: 'settings'; readonly settings: SessionSettings; readonly isBeta: boolean }
  | { readonly kind: 'sound'; readonly bytes: Uint8Array }
  | { readonly kind: 'commit' | 'clear' };

/**
 * Reads what a client says.
 *
 * @param text - one event
 * @param before - how the session hears so far
 * @throws {RequestError} when it is none of the events that are known
 */
export function readEvent(text: string, before: SessionSettings): ClientWish {
  const parsed = clientEvent.safeParse(jsonOf(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const param = issue?.path.join('.') || 'type';
    const message = `event: one of the interface was required, got another: ${param}: ${issue?.message}; mend it`;
    throw new RequestError(message, { status: 400, code: 'invalid_event', param });
  }
  const event = parsed.data;
  switch (event.type) {
    case 'input_audio_buffer.append':
      return { kind: 'sound', bytes: Buffer.from(event.audio, 'base64') };
    case 'input_audio_buffer.commit':
      return { kind: 'commit' };
    case 'input_audio_buffer.clear':
      return { kind: 'clear' };
    case 'transcription_session.update': {
      const { input_audio_transcription: heard, turn_detection: turns } = event.session;
      return { kind: 'settings', settings: merged(before, heard, turns, undefined), isBeta: true };
    }
    case 'session.update': {
      const { transcription: heard, turn_detection: turns, format } = event.session.audio?.input ?? {};
      return { kind: 'settings', settings: merged(before, heard, turns, format?.rate), isBeta: false };
    }
  }
}

function merged(
  before: SessionSettings,
  heard: z.infer<typeof transcription> | null | undefined,
  turns: z.infer<typeof turnDetection> | undefined,
  sampleRateHz: number | undefined,
): SessionSettings {
  const silenceS = turns === null ? null : (turns?.silence_duration_ms ?? 1000 * (before.silenceS ?? 0.5)) / 1000;
  return {
    model: heard?.model ?? before.model,
    prompt: heard?.prompt ?? before.prompt,
    language: heard?.language ?? before.language,
    sampleRateHz: sampleRateHz ?? before.sampleRateHz,
    silenceS: turns === undefined ? before.silenceS : silenceS,
    prefixS: turns?.prefix_padding_ms === undefined ? before.prefixS : turns.prefix_padding_ms / 1000,
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
