/** What every technique has to say of itself, so that recipes, the command line, search and sensitivity can read it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyRecipe } from '../../src/compress/applyRecipe.js';
import { choicesFor, layersOf, recipeOf, withForm } from '../../src/compress/choose/layers.js';
import { LAYER_OPS, STAGES, settingsOf } from '../../src/compress/pass.js';
import { PASSES } from '../../src/compress/passes.js';
import { parseRecipe } from '../../src/compress/recipe.js';
import { modelFromBytes } from '../../src/onnx/file/read.js';
import { modelToBytes } from '../../src/onnx/file/write.js';
import { mainGraph } from '../../src/onnx/model.js';
import { simplifyModel } from '../../src/onnx/normalForm/simplify.js';
import { quantlab } from '../cli/terminal.js';
import { buildRandomGraph, drawnGraph } from './randomGraph.js';
import { pattern, samplesOf } from './runModel.js';
import { convolutionModel, operatorCounts, recurrentModel } from './smallModels.js';

const step = (transform: string, options: object) =>
  JSON.stringify({
    schema: 'quantlab.recipe/1',
    name: 'one',
    description: '',
    steps: [{ transform, options }],
  });

/** Ranges as calibration would find them: what they are does not matter here. */
const resources: Parameters<typeof applyRecipe>[2] = {
  calibrate: async ({ tensors }) => new Map(tensors.map((name) => [name, { lowest: -1, highest: 2 }])),
};

describe('every pass', () => {
  it.each(PASSES.map((pass) => [pass.name, pass] as const))('%s: describes itself and its options', (name, pass) => {
    expect(name).toMatch(/^[a-z][a-z-]*$/);
    expect(STAGES).toContain(pass.stage);
    for (const text of [pass.title, pass.description]) expect(text.length).toBeGreaterThan(5);
    expect(Object.keys(pass.options.shape)).not.toEqual([]);
    for (const [option, field] of Object.entries(pass.options.shape)) {
      expect(field.meta()?.description ?? '', option).toMatch(/^\S.{10,}[^.]$/);
    }
    expect(pass.looksFor(settingsOf(pass, {}))).toMatch(/\w/);
  });

  it.each(PASSES)('$name: is a step of recipes, with its options and no others', ({ name, options }) => {
    expect(parseRecipe(step(name, {})).steps).toEqual([{ transform: name, options: {} }]);
    const usual = options.parse({}) as Record<string, unknown>;
    const given = Object.fromEntries(Object.entries(usual).filter(([, value]) => value !== undefined));
    // Options stay as they were given: no default is written into a recipe.
    expect(parseRecipe(step(name, given)).steps).toEqual([{ transform: name, options: given }]);
    expect(() => parseRecipe(step(name, { nosuch: 1 }))).toThrow(/steps\.0\.options.*nosuch/);
    for (const option of Object.keys(options.shape)) {
      expect(() => parseRecipe(step(name, { [option]: { a: 1 } })), option).toThrow(`steps.0.options.${option}`);
    }
  });

  it('has each of its options in the help of `quantize`, with its description', async () => {
    const { out } = await quantlab('help', 'quantize');
    const help = out.replaceAll(/\s+/g, ' ');
    for (const { name, options } of PASSES) {
      for (const [option, field] of Object.entries(options.shape)) {
        const flag = field.meta()?.['flag'] ?? option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
        const [, knownBy] = new RegExp(` --${flag} [^[]*\\[([^\\];]*)`).exec(help) ?? [];
        expect(knownBy?.split(', '), `--${flag}`).toContain(name);
      }
    }
  });

  it('refuses options that it does not know, by name', () => {
    for (const pass of PASSES) expect(() => settingsOf(pass, { nosuch: 1 })).toThrow(/options: .* got nosuch/);
  });

  it('comes in a recipe of layers by its stage', () => {
    // Calibration watches what is in float yet; what takes layers by name leaves the rest for what comes last.
    const stages = PASSES.map(({ stage }) => STAGES.indexOf(stage));
    expect(stages).toEqual(stages.toSorted((a, b) => a - b));
    const known = ['prune', 'static', 'recurrent', 'weight-only', 'dynamic', 'half'];
    expect(PASSES.map(({ name }) => name).filter((name) => known.includes(name))).toEqual(known);
  });

  it('can do to a layer what it says', async () => {
    const forms = new Set<string>();
    for (const model of [convolutionModel(3), recurrentModel(3)]) {
      const layers = layersOf(model);
      for (const layer of layers) {
        for (const choice of choicesFor(layer.opType)) {
          const recipe = recipeOf('one', '', layers, new Map([[layer.node, choice]]));
          expect(recipe.steps).toHaveLength(1);
          const { report } = await applyRecipe(model, parseRecipe(JSON.stringify(recipe)), resources);
          expect(Object.values(report.replacedNodes), `${layer.node} ${choice}`).toEqual([1]);
          forms.add(`${choice} ${layer.opType}`);
        }
      }
    }
    const parts = new Set<string>();
    for (const [model, x] of [
      [convolutionModel(3), [40, 2, 12, 9]],
      [recurrentModel(3), [20, 3, 12]],
    ] as const) {
      const layers = layersOf(model);
      const samples = samplesOf([1, 2, 3, 4, 5].map((seed) => ({ x: pattern([...x], seed) })));
      for (const { node, opType } of layers) {
        for (const choice of choicesFor(opType, 'parts')) {
          const recipe = recipeOf('one', '', layers, new Map([[node, withForm(opType, 'dynamic', 'parts', choice)]]));
          const { model: made, report } = await applyRecipe(model, parseRecipe(JSON.stringify(recipe)), {
            ...resources,
            samples,
          });
          if (made !== model && report.compressed.length > 0) parts.add(`${choice} ${opType}`);
          if (choice.startsWith('rank-')) expect(operatorCounts(made)['MatMulInteger'], choice).toBeGreaterThan(0);
        }
      }
    }
    const formsOfParts = LAYER_OPS.flatMap((opType) => choicesFor(opType, 'parts').map((one) => `${one} ${opType}`));
    for (const one of formsOfParts) {
      if (!/ (GRU|RNN)$|^units-\d+ (MatMul|Gemm)$/.test(one)) expect([...parts]).toContain(one);
    }
    const known = LAYER_OPS.flatMap((opType) => choicesFor(opType).map((choice) => `${choice} ${opType}`));
    expect(new Set(known).size).toBe(known.length);
    for (const form of forms) expect(known).toContain(form);
  });

  it('leaves a model in normal form: the next pass takes it as it is', async () => {
    for (const drawn of fc.sample(drawnGraph, { numRuns: 15, seed: 20_261_128 })) {
      for (const { name } of PASSES) {
        const model = modelFromBytes(modelToBytes(buildRandomGraph(drawn)), 'random.onnx');
        const { model: made } = await applyRecipe(model, parseRecipe(step(name, {})), resources).catch(() => ({
          model,
        }));
        if (made === model) continue;
        const again = modelFromBytes(modelToBytes(made), 'made.onnx');
        const counts = ({ graph }: typeof made.proto) => [graph?.node.length, graph?.initializer.length];
        const simple = simplifyModel(again);
        expect(counts(simple.model.proto), name).toEqual(counts(made.proto));
        expect(mainGraph(simple.model).node.map(({ output }) => output)).toEqual(
          mainGraph(made).node.map(({ output }) => output),
        );
      }
    }
  });
});
