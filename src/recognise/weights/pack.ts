import { basename, join } from 'node:path';
import { InputError } from '../../errors.js';
import { sha256OfBytes, sha256OfFile, writeFileAtomic } from '../../files.js';
import { readModel } from '../../onnx/file/read.js';
import { modelToBytes } from '../../onnx/file/write.js';
import type { ModelCard } from '../card/card.js';
import { countParameters } from '../card/countParameters.js';
import { writeCard } from '../card/readCard.js';
import { packWeights, unpackWeights } from './packedWeights.js';

/** What a person writes of a card (the card of an earlier version will do); the files and the number of parameters come from the weights. */
export type CardDraft = Omit<ModelCard, 'parameters' | 'schema'>;

/** What whoever is given a model must be told of it. */
const TOLD = ['licence', 'trainingData', 'intendedUse', 'limits', 'figures'] as const;

/** What was packed. */
export interface PackedModel {
  readonly card: ModelCard;
  readonly cardPath: string;
  readonly weightsPath: string;
  /** Values that float16 does not hold exactly and that were rounded; the float32 model of the card has the rounded ones. */
  readonly roundedValues: number;
  /** Tensors with values beyond float16's range, left as they are. */
  readonly tensorsLeft: readonly string[];
  /** Whether expanding gives the very file that was packed. */
  readonly identical: boolean;
}

/**
 * Packs a trained float32 model for shipping: `model.weights` and `model.json` with both checksums.
 *
 * @param floatPath - the `.onnx` file
 * @param draft - the rest of the card
 * @param folder - where to write, named by the model's id; made when missing
 * @throws {InputError} when the model cannot be read, or the draft is not a valid card or leaves out what a shipped one says
 */
export async function packModel(floatPath: string, draft: CardDraft, folder: string): Promise<PackedModel> {
  if (basename(folder) !== draft.id) {
    throw new InputError(
      `${folder}: a folder named by the model's id (${draft.id}) was required, got another; name it so`,
    );
  }
  const untold = TOLD.filter((field) => draft[field] === undefined);
  if (untold.length > 0) {
    throw new InputError(
      `card of ${draft.id}: ${TOLD.join(', ')} were required of a model that is shipped, got no ${untold.join(', ')}; write what is missing into the card`,
    );
  }
  const model = await readModel(floatPath);
  const packed = packWeights(model);
  const floatBytes = modelToBytes(unpackWeights(packed.bytes, floatPath));
  const weightsPath = join(folder, 'model.weights');
  const cardPath = join(folder, 'model.json');
  const float = { path: 'model.onnx', sha256: sha256OfBytes(floatBytes), sizeBytes: floatBytes.length };
  const stored = { path: basename(weightsPath), sha256: sha256OfBytes(packed.bytes), sizeBytes: packed.bytes.length };
  const [name, ...others] = Object.keys(draft.graphs);
  if (name === undefined || others.length > 0) {
    throw new InputError(
      `card of ${draft.id}: a model of one graph was required, got ${others.length + 1}; ship the folder as it is`,
    );
  }
  const card: ModelCard = {
    ...draft,
    schema: 'quantlab.model-card/2',
    parameters: countParameters(model),
    graphs: { [name]: { file: float, packed: stored } },
  };
  await writeFileAtomic(weightsPath, packed.bytes);
  await writeCard(card, cardPath);
  const { roundedValues, tensorsLeft } = packed;
  const identical = (await sha256OfFile(floatPath)) === float.sha256;
  return { card, cardPath, weightsPath, roundedValues, tensorsLeft, identical };
}
