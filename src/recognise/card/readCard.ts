import { dirname, join } from 'node:path';
import { z } from 'zod';
import { parseJson, readJson, writeFileAtomic } from '../../files.js';
import type { Kind } from '../kinds/kind.js';
import { KINDS } from '../kinds/kinds.js';
import type { CheckedFile, ModelCard } from './card.js';
import { checkedFileSchema } from './cardSchema.js';

/** Cards of the first version knew one kind and one graph. */
const firstVersion: z.ZodType<{ readonly files: { readonly stored: CheckedFile; readonly float: CheckedFile } }> =
  z.looseObject({
    schema: z.literal('quantlab.model-card/1'),
    files: z.strictObject({ stored: checkedFileSchema, float: checkedFileSchema }),
  });

function isFirstVersion(value: unknown): boolean {
  return (value as { readonly schema?: unknown } | null)?.schema === 'quantlab.model-card/1';
}

/** A card of any version as one of the present, as far as it goes. */
function upgraded(value: unknown): unknown {
  if (!isFirstVersion(value)) return value;
  const { files, ...rest } = value as Readonly<Record<string, unknown>>;
  const found = firstVersion.safeParse(value).data?.files;
  const isPacked = found !== undefined && found.stored.sha256 !== found.float.sha256;
  const model = found && { file: found.float, ...(isPacked && { packed: found.stored }) };
  return { ...rest, schema: 'quantlab.model-card/2', kind: 'ctc', graphs: { model } };
}

/** A card on disk, and the kind that it is of. */
interface ReadCard {
  readonly kind: Kind;
  readonly card: ModelCard;
}

const cardSchema: z.ZodType<ReadCard> = z.unknown().transform((value, context) => {
  const card = upgraded(value);
  const name = (card as { readonly kind?: unknown } | null)?.kind;
  const kind = KINDS.find((one) => one.name === name);
  if (kind === undefined) {
    const known = KINDS.map((one) => one.name).join(', ');
    context.addIssue({ code: 'custom', path: ['kind'], message: `one of ${known} is required` });
    return z.NEVER;
  }
  const found = kind.schema.safeParse(card);
  if (found.success) return { kind, card: found.data };
  for (const { path, message } of found.error.issues) context.addIssue({ code: 'custom', path, message });
  // Whoever wrote a card of the first version looks for the fields that it has.
  for (const { path, message } of isFirstVersion(value) ? (firstVersion.safeParse(value).error?.issues ?? []) : []) {
    context.addIssue({ code: 'custom', path, message });
  }
  return z.NEVER;
});

/**
 * Reads a model card (`model.json`), and what it names beside it.
 *
 * @throws {InputError} when a file is missing or no JSON, or fields are missing, misspelt or out of range; the message names all of them
 * @example (await readCard('data/models/deepspeech2-lstm/model.json')).kind // ctc
 */
export async function readCard(path: string): Promise<ModelCard> {
  const { kind, card } = await readJson(path, cardSchema);
  return await kind.complete(card, path);
}

/**
 * Paths of the files beside a card that it names without a checksum: of labels.
 *
 * @throws {InputError} as {@link readCard}
 */
export async function filesBeside(path: string): Promise<readonly string[]> {
  const { kind, card } = await readJson(path, cardSchema);
  return kind.filesBeside(card).map((name) => join(dirname(path), name));
}

/**
 * Writes a card.
 *
 * @throws {InputError} when its fields are out of range; the message names all of them
 */
export async function writeCard(card: ModelCard, path: string): Promise<void> {
  const text = `${JSON.stringify(card, null, 2)}\n`;
  parseJson(text, cardSchema, path);
  await writeFileAtomic(path, text);
}
