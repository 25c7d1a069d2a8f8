import { readFileSync } from 'node:fs';
import type { ModelProto, NodeProto } from 'onnx-buf';

/**
 * Types of each operator's inputs and outputs by domain, a line for each form: its name, the first operator set that has
 * it, inputs, `>`, outputs, `:`, and for each type parameter which of float32, float16, bfloat16 and float64 (`fhbd`) it
 * may be. `*` may be given many times, `?` is tied to nothing, `@` names the attribute that tells the type, `|` what else.
 */
const OPERATOR_TYPES = new URL('../../../data/operators/types.json', import.meta.url);

/** Floating-point types as the table abbreviates them. */
const FLOAT_LETTERS = { float32: 'f', float16: 'h', bfloat16: 'b', float64: 'd' } as const;

/** Types of an operator's inputs and outputs by its definition: names of types, or of parameters that stand for one. */
export interface Signature {
  /** A type or parameter for each input; `?` is tied to nothing. */
  readonly inputs: readonly string[];
  /** For each output the ways to tell its type, best first: a parameter, a type, or `@` and the attribute that names it. */
  readonly outputs: readonly (readonly string[])[];
  /** Floating-point types that each parameter may stand for, as letters. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Versions of the operator sets of a model, by domain; `ai.onnx` for ONNX's own. */
export type OperatorSets = ReadonlyMap<string, number>;

let forms: Map<string, { readonly since: number; readonly signature: Signature }[]> | undefined;

/** The operator sets that a model imports. */
export function operatorSetsOf(model: ModelProto): OperatorSets {
  return new Map(model.opsetImport.map(({ domain, version }) => [domain || 'ai.onnx', Number(version)]));
}

/** What the definition of a node's operator says about types, or `undefined` for an operator that is not known here. */
export function signatureOf(node: NodeProto, sets: OperatorSets): Signature | undefined {
  const domain = node.domain || 'ai.onnx';
  const version = sets.get(domain) ?? 1;
  forms ??= readForms();
  const versions = forms.get(`${domain}:${node.opType}`);
  return versions?.findLast(({ since }) => since <= version)?.signature;
}

/** The type or parameter of an input; the last may stand for any number of them. */
export function inputParameter(signature: Signature, index: number): string {
  return at(signature.inputs, index) ?? '?';
}

/** The ways to tell the type of an output. */
export function outputParameters(signature: Signature, index: number): readonly string[] {
  return at(signature.outputs, index) ?? [];
}

/** Whether a parameter of the operator may stand for a floating-point type. */
export function mayBe(signature: Signature, parameter: string, dtype: keyof typeof FLOAT_LETTERS): boolean {
  return signature.parameters.get(parameter)?.includes(FLOAT_LETTERS[dtype]) ?? false;
}

/** The element there, or the last for what is beyond the end. */
function at<T>(list: readonly T[], index: number): T | undefined {
  return list[Math.min(index, list.length - 1)];
}

function readForms(): Map<string, { readonly since: number; readonly signature: Signature }[]> {
  const read = new Map<string, { readonly since: number; readonly signature: Signature }[]>();
  const table = JSON.parse(readFileSync(OPERATOR_TYPES, 'utf8')) as Readonly<Record<string, readonly string[]>>;
  for (const [domain, lines] of Object.entries(table)) {
    for (const line of lines) {
      const [name = '', since = '', ...words] = line.split(' ');
      const [end, colon] = [words.indexOf('>'), words.indexOf(':')];
      const plain = (word: string): string => word.replace('*', '');
      const signature: Signature = {
        inputs: words.slice(0, end).map(plain),
        outputs: words.slice(end + 1, colon).map((word) => plain(word).split('|')),
        parameters: new Map(
          words.slice(colon + 1).map((word): [string, string] => {
            const [parameter = '', letters = ''] = word.split('=');
            return [parameter, letters];
          }),
        ),
      };
      const key = `${domain}:${name}`;
      read.set(key, [...(read.get(key) ?? []), { since: Number(since), signature }]);
    }
  }
  return read;
}
