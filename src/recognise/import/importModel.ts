import { rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { InputError } from '../../errors.js';
import { makeFolder, readText, writeFileAtomic } from '../../files.js';
import { writeModel } from '../../onnx/file/write.js';
import type { OnnxModel } from '../../onnx/model.js';
import { writeCard } from '../card/readCard.js';
import type { EncoderDecoderCard } from '../kinds/encoderDecoder/card.js';
import { readCTranslate2Folder } from './ctranslate2Folder.js';
import { isFile } from './foreignFiles.js';
import { readHuggingFaceFolder } from './huggingFaceFolder.js';
import { importedCard } from './importedCard.js';
import type { ForeignModel, ImportedGraphs } from './importedModel.js';
import { findOnnxFiles, readOnnxFolder } from './onnxFolder.js';
import { readSpecialTokens } from './specialTokens.js';
import { checkPreprocessor } from './whisperConfig.js';

const GRAPH_FILES: Readonly<Record<keyof ImportedGraphs, string>> = {
  encoder: 'encoder.onnx',
  decoder: 'decoder.onnx',
  decoderWithPast: 'decoder_with_past.onnx',
};

/**
 * Makes a model folder of a Whisper that another program keeps: of Hugging Face (`model.safetensors`), of CTranslate2 and
 * faster-whisper (`model.bin`), for both of which the graphs are built; or of Optimum and transformers.js, whose graphs are
 * taken as they are.
 *
 * @param folder - of the other program
 * @param out - folder to write: its graphs, `tokenizer.json` and the card `model.json`
 * @returns the card
 * @throws {InputError} when the folder holds none of them, a file is cut, or files do not belong together; nothing is written then
 */
export async function importModel(folder: string, out: string): Promise<EncoderDecoderCard> {
  if (resolve(folder) === resolve(out)) {
    throw new InputError(`${out}: another folder than the one that is read was required, got the same; choose another`);
  }
  const model = await readFolder(folder);
  await checkPreprocessor(folder, model.shape);
  const tokenizer = join(folder, 'tokenizer.json');
  const tokens = await readSpecialTokens(tokenizer, model.shape, model.isMultilingual);
  await makeFolder(out);
  const cardPath = join(out, 'model.json');
  // A folder without a card is no model: one that is written over is none until it is whole.
  await rm(cardPath, { force: true });
  const graphs = Object.entries(model.graphs).filter((entry): entry is [keyof ImportedGraphs, OnnxModel] => !!entry[1]);
  for (const [name, graph] of graphs) await writeModel(graph, join(out, GRAPH_FILES[name]));
  await writeFileAtomic(join(out, basename(tokenizer)), await readText(tokenizer));
  const paths = Object.fromEntries(graphs.map(([name]) => [name, GRAPH_FILES[name]]));
  const card = await importedCard(model, tokens, out, paths);
  await writeCard(card, cardPath);
  return card;
}

async function readFolder(folder: string): Promise<ForeignModel> {
  const has = async (name: string): Promise<boolean> => await isFile(join(folder, name));
  if (await has('model.bin')) return await readCTranslate2Folder(folder);
  if ((await has('model.safetensors')) || (await has('model.safetensors.index.json'))) {
    return await readHuggingFaceFolder(folder);
  }
  const files = await findOnnxFiles(folder);
  if (files !== undefined) return await readOnnxFolder(folder, files);
  const remedy = (await has('pytorch_model.bin'))
    ? 'pytorch_model.bin is not read: get the model.safetensors of the same repository'
    : 'name the folder that holds the weights';
  throw new InputError(
    `${folder}: model.safetensors (Hugging Face), model.bin (CTranslate2) or encoder_model.onnx with its decoder (Optimum, transformers.js) was required, got none of them; ${remedy}`,
  );
}
