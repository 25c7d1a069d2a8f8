import type { RunnableGraph } from '../../../../src/recognise/kinds/encoderDecoder/graphs.js';
import type { GraphValue } from '../../../../src/recognise/session/modelSession.js';
import { Tensor } from '../../../../src/runtime.js';

/**
 * Graphs of ours behind the names that Optimum's exports have (`optimum/exporters/onnx`, `WhisperOnnxConfig`), and with their manners:
 * logits of all positions, what was heard computed in the first step only, an empty past for a merged decoder.
 */
export function underOptimumNames(
  encoder: RunnableGraph,
  decoder: RunnableGraph,
  form: 'merged' | 'two decoders',
): { readonly encoder: RunnableGraph; readonly first: RunnableGraph; readonly next: RunnableGraph } {
  let crossed: Readonly<Record<string, Tensor | undefined>> = {};
  const layers = decoder.inputs.filter(({ name }) => name.startsWith('past_key')).length;
  const sizes = decoder.inputs.find(({ name }) => name === 'past_key_0')?.shape ?? [];
  const each = <T>(make: (layer: number, side: 'decoder' | 'encoder', part: 'key' | 'value') => T): T[] =>
    Array.from({ length: layers }, (_, layer) => layer).flatMap((layer) =>
      (['decoder', 'encoder'] as const).flatMap((side) =>
        (['key', 'value'] as const).map((part) => make(layer, side, part)),
      ),
    );
  const value = (name: string, shape: GraphValue['shape'], type = 'float32'): GraphValue => ({ name, type, shape });
  const pasts = each((layer, side, part) => value(`past_key_values.${layer}.${side}.${part}`, sizes));
  const heard = value('encoder_hidden_states', ['n', 't', 16]);
  const ids = value('input_ids', ['n', 's'], 'int64');
  const logits = decoder.outputs.filter(({ name }) => name === 'logits');
  const presents = (sides: string): GraphValue[] =>
    pasts
      .filter(({ name }) => sides.includes(name.split('.')[2] as string))
      .map(({ name }) => value(name.replace('past_key_values', 'present'), sizes));

  const run: RunnableGraph['run'] = async (feeds) => {
    const tokens = feeds['input_ids'] as Tensor;
    const [count, positions] = tokens.dims as [number, number];
    const isFirst =
      feeds['use_cache_branch'] === undefined
        ? feeds['encoder_hidden_states'] !== undefined
        : feeds['use_cache_branch'].data[0] === 0;
    const empty = new Tensor('float32', new Float32Array(0), [count, sizes[1] as number, 0, sizes[3] as number]);
    const own: Record<string, Tensor> = {
      tokens,
      read: new Tensor(
        'int64',
        BigInt64Array.from({ length: positions }, (_, i) => BigInt(i)),
        [positions],
      ),
    };
    each((layer, side, part) => {
      const past = feeds[`past_key_values.${layer}.${side}.${part}`];
      if (side === 'encoder')
        own[`cross_${part}_${layer}`] = (isFirst ? crossed[`cross_${part}_${layer}`] : past) as Tensor;
      else own[`past_${part}_${layer}`] = isFirst ? empty : (past as Tensor);
    });
    const outputs = await decoder.run(own);
    const named: [string, Tensor | undefined][] = each((layer, side, part) => {
      // The branch with a past gives nothing of what was heard.
      const ofEncoder = isFirst ? crossed[`cross_${part}_${layer}`] : empty;
      return [`present.${layer}.${side}.${part}`, side === 'encoder' ? ofEncoder : outputs[`present_${part}_${layer}`]];
    });
    return Object.fromEntries([['logits', outputs['logits']], ...named]);
  };
  const release = async (): Promise<void> => undefined;
  const branch = value('use_cache_branch', [1], 'bool');
  const merged: RunnableGraph = {
    path: 'decoder_model_merged.onnx',
    inputs: [ids, heard, ...pasts, branch],
    outputs: [...logits, ...presents('decoder encoder')],
    run,
    release,
  };
  return {
    encoder: {
      path: 'encoder_model.onnx',
      inputs: [value('input_features', ['n', 80, 't'])],
      outputs: [value('last_hidden_state', ['n', 't', 16])],
      run: async ({ input_features: mel }) => {
        crossed = await encoder.run({ mel: mel as Tensor });
        return { last_hidden_state: new Tensor('float32', new Float32Array(0), [2, 0, 16]) };
      },
      release,
    },
    first: form === 'merged' ? merged : { ...merged, path: 'decoder_model.onnx', inputs: [ids, heard] },
    next:
      form === 'merged'
        ? merged
        : {
            ...merged,
            path: 'decoder_with_past_model.onnx',
            inputs: [ids, ...pasts],
            outputs: [...logits, ...presents('decoder')],
          },
  };
}
