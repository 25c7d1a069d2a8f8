/**
 * Whisper's graphs in the layout of transformers.js (names and shapes: Optimum, `optimum/exporters/onnx/model_configs.py`,
 * `WhisperOnnxConfig`; files: transformers.js, `src/models/session.js`). Random weights: what is tested is that both layouts say the same.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PRESETS } from '../../../src/compress/recipe.js';
import { readModel } from '../../../src/onnx/file/read.js';
import { nestedGraphs } from '../../../src/onnx/graph/subgraphs.js';
import { mainGraph } from '../../../src/onnx/model.js';
import { tensorDtype } from '../../../src/onnx/tensor/tensor.js';
import { createRandom } from '../../../src/random.js';
import { withTransformersJsGraphs } from '../../../src/recognise/export/transformersJs.js';
import { importModel } from '../../../src/recognise/import/importModel.js';
import type { EncoderDecoderCard } from '../../../src/recognise/kinds/encoderDecoder/card.js';
import { openGraphs } from '../../../src/recognise/kinds/encoderDecoder/openGraphs.js';
import type { ResolvedModel } from '../../../src/recognise/model.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';
import { quantizeModel } from '../../../src/tune/quantizeModel.js';
import { quantlab } from '../../cli/terminal.js';
import { smallConfig, writeHuggingFaceFolder } from '../import/randomWhisper.js';

type Whisper = ResolvedModel & { readonly card: EncoderDecoderCard };

const folder = mkdtempSync(join(tmpdir(), 'quantlab-transformers-js-'));
const out = join(folder, 'out');
let own: Whisper;
beforeAll(async () => {
  writeHuggingFaceFolder(join(folder, 'hf'), smallConfig({ max_target_positions: 48 }));
  await importModel(join(folder, 'hf'), join(folder, 'own'));
  own = (await resolveModel(join(folder, 'own'))) as Whisper;
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the layout of transformers.js', () => {
  it('gives the logits of our own, with and without a past, two recordings at once', async () => {
    const other = (await withTransformersJsGraphs(own, join(folder, 'float'))) as Whisper;
    const [ours, theirs] = [await openGraphs(own, { threads: 1 }), await openGraphs(other, { threads: 1 })];
    const { next } = createRandom(3);
    const mel = Float32Array.from({ length: 2 * 80 * 3000 }, () => next() - 0.5);
    const steps = [
      [
        [257, 258, 265],
        [257, 259, 265],
      ],
      [[10], [20]],
      [[30], [40]],
    ];
    const logits = await Promise.all(
      [ours, theirs].map(async (graphs) => {
        let state = graphs.begin(await graphs.encode(mel, [2, 80, 3000]));
        const given: number[] = [];
        for (const tokens of steps) {
          const step = await graphs.step(tokens, state, [(tokens[0]?.length ?? 1) - 1]);
          given.push(...step.logits);
          state = step.state;
        }
        await graphs.release();
        return given;
      }),
    );
    const [wanted, came] = logits as [number[], number[]];
    expect(came).toHaveLength(wanted.length);
    expect(Math.max(...came.map((value, at) => Math.abs(value - (wanted[at] as number))))).toBeLessThan(1e-4);
    // Each weight is stored once.
    const stored = mainGraph(await readModel(other.graphs['decoder'] as string)).initializer.map(({ name }) => name);
    expect(stored.filter((name) => name.endsWith('tokens.weight'))).toHaveLength(1);
    expect(new Set(stored).size).toBe(stored.length);
  });

  it('is written by quantize, with all that the library reads, and read again by model import', async () => {
    const { exitCode, out: said } = await quantlab(
      'quantize',
      join(folder, 'own'),
      '-o',
      out,
      '--layout',
      'transformers.js',
    );
    expect([exitCode, said]).toEqual([0, expect.stringContaining('times smaller')]);
    expect(readdirSync(out).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'onnx',
      'preprocessor_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect(readdirSync(join(out, 'onnx')).sort()).toEqual([
      'decoder_model_merged_quantized.onnx',
      'encoder_model_quantized.onnx',
    ]);
    const decoder = await readModel(join(out, 'onnx', 'decoder_model_merged_quantized.onnx'));
    // A branch that stayed in float would multiply by the table as it was.
    const products = [...nestedGraphs(mainGraph(decoder))].flatMap(({ node }) => node.map(({ opType }) => opType));
    expect(products).not.toContain('Gemm');
    const table = mainGraph(decoder).initializer.filter(({ name }) => name.startsWith('tokens.weight_quantized'));
    expect(table.map(tensorDtype)).toEqual(['int8']);
    const config = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')) as object;
    expect(config).toMatchObject({ model_type: 'whisper', ...smallConfig({ max_target_positions: 48 }) });
    const generation = JSON.parse(readFileSync(join(out, 'generation_config.json'), 'utf8')) as object;
    expect(generation).toMatchObject({
      decoder_start_token_id: 257,
      no_timestamps_token_id: 265,
      lang_to_id: { '<|en|>': 258, '<|de|>': 259 },
      task_to_id: { transcribe: 261, translate: 260 },
      alignment_heads: [[1, 0]],
    });
    const again = await importModel(out, join(folder, 'again'));
    expect(again).toMatchObject({ layout: 'optimum', tokens: own.card.tokens, vocabulary: own.card.vocabulary });
    expect(again.frontEnd).toEqual(own.card.frontEnd);
  });

  it('takes the graphs of such a folder as they are', async () => {
    const again = await resolveModel(join(folder, 'again'));
    expect((await withTransformersJsGraphs(again, join(folder, 'none'))).graphs).toEqual(again.graphs);
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });

  it('refuses what is no Whisper, and leaves nothing', async () => {
    const to = { out: join(folder, 'none'), layout: 'transformers.js' } as const;
    const bare = { card: null, path: 'x', graphs: own.graphs };
    await expect(quantizeModel(bare, PRESETS.dynamic, to)).rejects.toThrow(/a Whisper was required .* without a card/);
    const ctc = { ...own, card: { ...own.card, kind: 'ctc' } } as ResolvedModel;
    await expect(quantizeModel(ctc, PRESETS.dynamic, to)).rejects.toThrow(/got a model of the kind ctc/);
    const two = {
      ...own,
      card: { ...own.card, graphs: { ...own.card.graphs, decoderWithPast: own.card.graphs.decoder } },
    };
    await expect(quantizeModel(two, PRESETS.dynamic, to)).rejects.toThrow(/a model with one decoder was required/);
    const { sizes: _, ...old } = own.card;
    await expect(quantizeModel({ ...own, card: old }, PRESETS.dynamic, to)).rejects.toThrow(/import the model again/);
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });
});
