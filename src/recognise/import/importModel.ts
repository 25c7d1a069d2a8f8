import { copyFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../errors.js';
import { describeFileError, makeFolder, writeFileAtomic } from '../../files.js';
import { writeModel } from '../../onnx/file/write.js';
import { readCTranslate2Folder } from './ctranslate2Folder.js';
import { readHuggingFaceFolder } from './huggingFaceFolder.js';
import type { ForeignModel, WhisperFacts } from './importedModel.js';
import { readSpecialTokens } from './specialTokens.js';
import { buildWhisperDecoder } from './whisperDecoder.js';
import { buildWhisperEncoder } from './whisperEncoder.js';

/**
 * Makes a model folder of a Whisper that another program keeps: of Hugging Face (`model.safetensors`) or of CTranslate2 and
 * faster-whisper (`model.bin`).
 *
 * @param folder - of the other program
 * @param out - folder to write: `encoder.onnx`, `decoder.onnx`, `tokenizer.json` and the card `model.json`
 * @throws {InputError} when the folder holds neither, a file is cut, or files do not belong together; nothing is written then
 */
export async function importModel(folder: string, out: string): Promise<WhisperFacts> {
  const { weights, shape, decoding, isMultilingual } = await readFolder(folder);
  const tokenizer = join(folder, 'tokenizer.json');
  const tokens = await readSpecialTokens(tokenizer, shape, isMultilingual);
  const facts: WhisperFacts = { ...tokens, ...decoding, shape };
  await makeFolder(out);
  await writeModel(buildWhisperEncoder(weights, shape), join(out, 'encoder.onnx'));
  await writeModel(buildWhisperDecoder(weights, shape), join(out, 'decoder.onnx'));
  await copyFile(tokenizer, join(out, 'tokenizer.json')).catch((error: unknown) => {
    throw describeFileError(tokenizer, error);
  });
  await writeFileAtomic(join(out, 'whisper.json'), `${JSON.stringify(facts, null, 2)}\n`);
  return facts;
}

async function readFolder(folder: string): Promise<ForeignModel> {
  const has = async (name: string): Promise<boolean> =>
    await stat(join(folder, name)).then(
      (found) => found.isFile(),
      () => false,
    );
  if (await has('model.bin')) return await readCTranslate2Folder(folder);
  if ((await has('model.safetensors')) || (await has('model.safetensors.index.json'))) {
    return await readHuggingFaceFolder(folder);
  }
  throw new InputError(
    `${folder}: a folder with model.safetensors (Hugging Face) or model.bin (CTranslate2) was required, got none of them; name the folder that holds the weights`,
  );
}
