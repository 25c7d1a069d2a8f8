import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { type NodeProto, OperatorSetIdProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { applyRecipe } from '../../../src/compress/applyRecipe.js';
import { pruneUnits } from '../../../src/compress/prune/pruneUnits.js';
import { parseRecipe } from '../../../src/compress/recipe.js';
import { modelFromBytes } from '../../../src/onnx/file/read.js';
import { modelToBytes } from '../../../src/onnx/file/write.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { mainGraph, type OnnxModel } from '../../../src/onnx/model.js';
import { makeTensor, shapeOf, tensorFloats } from '../../../src/onnx/tensor/tensor.js';
import { pattern, runModel, samplesOf, signalToErrorDb } from '../runModel.js';
import { operatorCounts, smallModel, valueInfo, weight } from '../smallModels.js';

/** How an attention is exported. */
type Form = 'written out' | 'written out, scaled and masked' | 'fused' | 'fused, of one product';
const FORMS: readonly Form[] = ['written out', 'written out, scaled and masked', 'fused', 'fused, of one product'];

interface Sizes {
  readonly heads: number;
  readonly size: number;
  readonly layers: number;
}

const integers = (name: string, ...values: number[]) =>
  makeTensor(name, 'int64', [values.length], BigInt64Array.from(values, BigInt));

/** Attentions with what goes past each, x [n, s, 7] → y [n, s, 7]; layers share the shapes of their heads. */
function model(form: Form, { heads, size, layers }: Sizes): OnnxModel {
  const width = heads * size;
  const parts = form === 'fused, of one product' ? ['qkv'] : ['q', 'k', 'v'];
  const columns = (3 * width) / parts.length;
  const nodes: NodeProto[] = [];
  const constants = [integers('apart', 0, 0, heads, -1), integers('joint', 0, 0, width)];
  if (form === 'fused, of one product') constants.push(integers('thirds', width, width, width));
  if (form === 'written out, scaled and masked') {
    constants.push(makeTensor('scale', 'float32', [], Float32Array.of(0.5)), integers('axes', -3, -2));
    nodes.push(
      makeNode('ReduceMax', ['x'], ['most'], { attributes: { axes: [2], keepdims: 0 } }),
      makeNode('Unsqueeze', ['most', 'axes'], ['mask']),
    );
  }
  for (let layer = 0; layer < layers; layer++) {
    const of = (name: string): string => `${name}${layer}`;
    const read = layer === 0 ? 'x' : of('x');
    for (const [index, part] of parts.entries()) {
      const seed = 100 * layer + 10 * index;
      constants.push(weight(of(`w${part}`), [7, columns], seed + 1, 2), weight(of(`b${part}`), [columns], seed + 2));
      nodes.push(
        makeNode('MatMul', [read, of(`w${part}`)], [of(`p${part}`)], { name: of(part) }),
        makeNode('Add', [of(`p${part}`), of(`b${part}`)], [of(`s${part}`)]),
      );
    }
    if (form.startsWith('fused')) {
      const all = [of('sq'), of('sk'), of('sv')];
      if (parts.length === 1) {
        nodes.push(makeNode('Split', [of('sqkv'), 'thirds'], all, { name: of('split'), attributes: { axis: 2 } }));
      }
      const attributes = { num_heads: heads };
      nodes.push(
        makeNode('MultiHeadAttention', all, [of('j')], { domain: 'com.microsoft', name: of('mha'), attributes }),
      );
    } else {
      for (const [part, perm] of [
        ['q', [0, 2, 1, 3]],
        ['k', [0, 2, 3, 1]],
        ['v', [0, 2, 1, 3]],
      ] as const) {
        nodes.push(
          makeNode('Reshape', [of(`s${part}`), 'apart'], [of(`r${part}`)], { name: of(`apart-${part}`) }),
          makeNode('Transpose', [of(`r${part}`)], [of(`h${part}`)], { attributes: { perm: [...perm] } }),
        );
      }
      nodes.push(makeNode('MatMul', [of('hq'), of('hk')], [of('scores')]));
      if (form !== 'written out') {
        nodes.push(
          makeNode('Mul', [of('scores'), 'scale'], [of('scaled')]),
          makeNode('Add', ['mask', of('scaled')], [of('masked')]),
        );
      }
      nodes.push(
        makeNode('Softmax', [of(form === 'written out' ? 'scores' : 'masked')], [of('shares')], {
          attributes: { axis: -1 },
        }),
        makeNode('MatMul', [of('shares'), of('hv')], [of('mixed')]),
        makeNode('Transpose', [of('mixed')], [of('turned')], { attributes: { perm: [0, 2, 1, 3] } }),
        makeNode('Reshape', [of('turned'), 'joint'], [of('j')], { name: of('joint') }),
      );
    }
    const answer = layer === layers - 1 ? 'y' : `x${layer + 1}`;
    constants.push(weight(of('wo'), [width, 7], 100 * layer + 50, 2));
    nodes.push(
      makeNode('MatMul', [of('j'), of('wo')], [of('o')], { name: of('out') }),
      makeNode('Add', [read, of('o')], [answer]),
    );
  }
  const used = constants.filter(({ name }) => nodes.some(({ input }) => input.includes(name)));
  const made = smallModel(nodes, used, [valueInfo('x', ['n', 's', 7])], [valueInfo('y', ['n', 's', 7])]);
  made.proto.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: 'com.microsoft', version: 1n }));
  return made;
}

/** The same with some heads that say nothing: what reads them is zero, and what makes their values small. */
function masked(original: OnnxModel, { heads, size }: Sizes, gone: readonly number[]): OnnxModel {
  const copy = modelFromBytes(modelToBytes(original), '<masked>');
  const { initializer } = mainGraph(copy);
  for (const [index, tensor] of initializer.entries()) {
    if (!/^(wo|w[qkv]+)\d/.test(tensor.name)) continue;
    const [, columns = 1] = shapeOf(tensor);
    const isReader = tensor.name.startsWith('wo');
    const values = tensorFloats(tensor).map((value, at) => {
      const place = isReader ? Math.floor(at / columns) : at % columns;
      if (!gone.includes(Math.floor((place % (heads * size)) / size))) return value;
      return isReader ? 0 : value / 100;
    });
    initializer[index] = makeTensor(tensor.name, 'float32', shapeOf(tensor), values);
  }
  return copy;
}

async function lossDb(one: OnnxModel, other: OnnxModel, seed = 5): Promise<number> {
  const feeds = { x: pattern([2, 6, 7], seed) };
  const [before, after] = [await runModel(one, feeds), await runModel(other, feeds)];
  expect(after['y']?.shape).toEqual(before['y']?.shape);
  return signalToErrorDb(before['y']?.data ?? new Float32Array(), after['y']?.data ?? new Float32Array());
}

const THREE: Sizes = { heads: 3, size: 4, layers: 2 };

describe('pruneUnits of attentions', () => {
  it.each(FORMS)('%s: answers are those of the model in which the heads that go are masked', async (form) => {
    const drawn = fc.record({
      heads: fc.integer({ min: 2, max: 5 }),
      size: fc.integer({ min: 1, max: 5 }),
      layers: fc.integer({ min: 1, max: 2 }),
      seed: fc.nat(1000),
    });
    await fc.assert(
      fc.asyncProperty(drawn, async ({ seed, ...sizes }) => {
        const gone = Array.from({ length: sizes.heads }, (_, head) => head).filter(
          (head) => head !== seed % sizes.heads,
        );
        const some = gone.slice(0, 1 + (seed % gone.length));
        const original = masked(model(form, sizes), sizes, some);
        const { model: pruned, report } = pruneUnits(original, { share: some.length / sizes.heads });
        const left = sizes.heads - some.length;
        const first = form === 'fused, of one product' ? 'qkv' : 'q';
        expect(report.notes).toEqual(
          Array.from({ length: sizes.layers }, (_, i) => `${first}${i}: ${left} of ${sizes.heads} heads are left`),
        );
        expect(await lossDb(original, pruned, seed + 1)).toBeGreaterThan(90);
      }),
      { numRuns: 12, seed: 20_261_129 },
    );
  });

  it('takes a head from every constant that has places for it, and from no other', () => {
    for (const form of FORMS) {
      const { model: pruned, report } = pruneUnits(model(form, THREE), {
        share: 1 / 3,
        nodesToExclude: [form === 'fused, of one product' ? 'qkv1' : 'q1'],
      });
      const shapes = Object.fromEntries(mainGraph(pruned).initializer.map((tensor) => [tensor.name, shapeOf(tensor)]));
      const parts =
        form === 'fused, of one product'
          ? [['qkv', 3] as const]
          : (['q', 'k', 'v'] as const).map((one) => [one, 1] as const);
      for (const [part, times] of parts) {
        expect(shapes).toMatchObject({ [`w${part}0`]: [7, 8 * times], [`b${part}0`]: [8 * times] });
        expect(shapes).toMatchObject({ [`w${part}1`]: [7, 12 * times], [`b${part}1`]: [12 * times] });
      }
      expect(shapes).toMatchObject({ wo0: [8, 7], wo1: [12, 7] });
      const reasons = report.leftNodes.map(({ node, reason }) => `${node}: ${reason}`);
      if (parts.length === 3) expect(reasons).toContain('k1: its heads go with those of q1, which stay');
      expect(reasons.some((reason) => reason.startsWith('k0'))).toBe(false);
    }
  });

  it('loses less where what reads the heads is fitted on a calibration set, and goes before quantization', async () => {
    const samples = samplesOf([1, 2, 3].map((seed) => ({ x: pattern([2, 12, 7], seed) })));
    const recipe = (...steps: object[]) =>
      parseRecipe(JSON.stringify({ schema: 'quantlab.recipe/1', name: 'heads', description: '', steps }));
    const step = (calibrated: boolean) => ({ transform: 'prune-units', options: { share: 1 / 3, calibrated } });
    let gain = 0;
    for (const form of FORMS) {
      const original = model(form, THREE);
      const { model: fitted } = await applyRecipe(original, recipe(step(true)), { samples });
      const { model: plain } = await applyRecipe(original, recipe(step(false)));
      gain += (await lossDb(original, fitted)) - (await lossDb(original, plain));
      const { model: small } = await applyRecipe(original, recipe(step(true), { transform: 'dynamic' }), { samples });
      expect(operatorCounts(small)['MatMulInteger']).toBe(form === 'fused, of one product' ? 4 : 8);
      expect(await lossDb(fitted, small)).toBeGreaterThan(20);
    }
    expect(gain / FORMS.length).toBeGreaterThan(0.5);
  });

  it('leaves heads that are part of what the model is asked or answers', () => {
    const fused = model('fused', { ...THREE, layers: 1 });
    const withPast = modelFromBytes(modelToBytes(fused), '<past>');
    const graph = mainGraph(withPast);
    const at = graph.node.findIndex(({ opType }) => opType === 'MultiHeadAttention');
    const node = graph.node[at];
    if (node === undefined) throw new Error('an attention was required, got none');
    node.output.push('present_key', 'present_value');
    graph.output.push(valueInfo('present_key', ['n', 3, 't', 4]));
    const reasons = pruneUnits(withPast).report.leftNodes.map(({ node: name, reason }) => `${name}: ${reason}`);
    expect(reasons).toContain('q0: its units cannot be taken out of what reads them: mha0 (MultiHeadAttention)');
    const shapes = mainGraph(pruneUnits(withPast).model).initializer.map(({ name }) => name);
    expect(shapes).toContain('wq0');
  });
});
