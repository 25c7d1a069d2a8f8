import { SignalToError } from '../../compress/rewrite/signalToError.js';
import { InputError } from '../../errors.js';
import { decodeFloat16 } from '../../onnx/tensor/halfFloat.js';
import { type GraphSample, toTensors } from '../../recognise/session/graphArrays.js';
import { openSession } from '../../recognise/session/session.js';
import type { Tensor } from '../../runtime.js';

/** How far an output of a model is from that of another, over all samples. */
export interface OutputAgreement {
  readonly output: string;
  /** In decibels; `null` where both are equal, minus infinity where one of them is no number or the sizes differ. */
  readonly signalToErrorDb: number | null;
  /** Largest absolute difference; infinite where the sizes differ. */
  readonly largestDifference: number;
  /** Share of the numbers that are equal. */
  readonly equal: number;
}

type Numbers = ReadonlyMap<string, ArrayLike<number>>;

/**
 * Compares what models give for the same samples: every output of the first that is an array of numbers.
 *
 * @param paths - the reference, and the models that are compared with it
 * @returns for each model after the first its outputs, in the order of the first's
 * @throws {InputError} when a model cannot be loaded or run, or lacks an output
 */
export async function compareOutputs(
  paths: readonly string[],
  samples: readonly GraphSample[],
  options: { readonly threads?: number } = {},
): Promise<readonly (readonly OutputAgreement[])[]> {
  const [reference, ...others] = paths;
  if (reference === undefined || others.length === 0) return [];
  const expected = await runAll(reference, samples, options);
  const outputs = [...(expected[0]?.keys() ?? [])];
  const agreements: OutputAgreement[][] = [];
  for (const path of others) {
    const given = await runAll(path, samples, options);
    const lost = outputs.filter((name) => !given[0]?.has(name));
    if (lost.length > 0) {
      throw new InputError(
        `${path}: outputs named ${lost.join(' and ')}, as of ${reference}, were required, got ${[...(given[0]?.keys() ?? [])].join(', ') || 'none'}; compare a model with its own variant`,
      );
    }
    agreements.push(outputs.map((output) => agreementOf(output, expected, given)));
  }
  return agreements;
}

function agreementOf(output: string, expected: readonly Numbers[], given: readonly Numbers[]): OutputAgreement {
  const apart = new SignalToError();
  for (const [index, sample] of expected.entries()) {
    apart.add(sample.get(output) ?? [], given[index]?.get(output) ?? []);
  }
  const { lossDb, largestDifference, equal } = apart;
  return { output, signalToErrorDb: lossDb, largestDifference, equal };
}

async function runAll(
  path: string,
  samples: readonly GraphSample[],
  options: { readonly threads?: number },
): Promise<readonly Numbers[]> {
  const session = await openSession(path, options);
  try {
    const all: Numbers[] = [];
    for (const sample of samples) {
      const given = Object.entries(await session.run(toTensors(sample)));
      all.push(
        new Map(
          given.flatMap(([name, tensor]) => {
            const numbers = tensor && numbersOf(tensor);
            return numbers === undefined ? [] : [[name, numbers] as const];
          }),
        ),
      );
    }
    return all;
  } finally {
    await session.release();
  }
}

/** The numbers of a tensor; `undefined` for texts, and for what is no tensor. */
function numbersOf({ type, data }: Tensor): ArrayLike<number> | undefined {
  if (Array.isArray(data)) return undefined;
  if (type === 'float16') return decodeFloat16(new Uint16Array(data.buffer, data.byteOffset, data.length));
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Array.from(data, Number);
  return data;
}
