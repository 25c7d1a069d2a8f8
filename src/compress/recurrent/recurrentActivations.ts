import type { NodeProto } from 'onnx-buf';
import { attributeOf } from '../../onnx/graph/node.js';
import { ownValue } from '../../ownValue.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import type { NodeWriter } from './recurrentWriter.js';

/** An activation function with its parameters. */
export interface Activation {
  /** Lower case, as ONNX Runtime compares it. */
  readonly name: string;
  readonly alpha: number;
  readonly beta: number;
}

/**
 * The parameters that each function takes, with the defaults that ONNX Runtime 1.30 uses (where the specification is
 * silent, or says 1 for ThresholdedRelu, it uses 0); `null` where it takes none.
 * An attribute's list gives values to the functions that take them, in their order.
 */
const PARAMETERS: Readonly<Record<string, readonly [alpha: number | null, beta: number | null]>> = {
  affine: [0, 0],
  relu: [null, null],
  leakyrelu: [0.01, null],
  thresholdedrelu: [0, null],
  tanh: [null, null],
  scaledtanh: [0, 0],
  sigmoid: [null, null],
  hardsigmoid: [0.2, 0.5],
  elu: [1, null],
  softsign: [null, null],
  softplus: [null, null],
};

/**
 * The activation functions of a recurrent node, direction by direction.
 *
 * @param defaults - the operator's own, for one direction
 * @throws {LeftInFloat} when one is unknown or some are missing
 */
export function activationsOf(node: NodeProto, defaults: readonly string[], directions: number): Activation[][] {
  const given = attributeOf(node, 'activations')?.strings.map((text) => new TextDecoder().decode(text)) ?? [];
  const names = given.length > 0 ? given : Array.from({ length: directions }, () => defaults).flat();
  if (names.length !== directions * defaults.length) {
    throw new LeftInFloat('form', `${directions * defaults.length} activations were required, got ${names.length}`);
  }
  const alphas = [...(attributeOf(node, 'activation_alpha')?.floats ?? [])];
  const betas = [...(attributeOf(node, 'activation_beta')?.floats ?? [])];
  const all = names.map((name): Activation => {
    const parameters = ownValue(PARAMETERS, name.toLowerCase());
    if (parameters === undefined) throw new LeftInFloat('form', `its activation ${name} is unknown`);
    const [alpha, beta] = parameters;
    return {
      name: name.toLowerCase(),
      alpha: alpha === null ? 0 : (alphas.shift() ?? alpha),
      beta: beta === null ? 0 : (betas.shift() ?? beta),
    };
  });
  return Array.from({ length: directions }, (_, index) =>
    all.slice(index * defaults.length, (index + 1) * defaults.length),
  );
}

/** Adds the nodes of an activation function; returns its output. */
export function writeActivation(writer: NodeWriter, { name, alpha, beta }: Activation, x: string): string {
  switch (name) {
    case 'affine':
      return affine(writer, x, alpha, beta);
    case 'scaledtanh':
      return affine(writer, writer.add('Tanh', [affine(writer, x, beta, 0)]), alpha, 0);
    case 'leakyrelu':
      return writer.add('LeakyRelu', [x], { alpha: { float: alpha } });
    case 'thresholdedrelu':
      return writer.add('ThresholdedRelu', [x], { alpha: { float: alpha } });
    case 'elu':
      return writer.add('Elu', [x], { alpha: { float: alpha } });
    case 'hardsigmoid':
      return writer.add('HardSigmoid', [x], { alpha: { float: alpha }, beta: { float: beta } });
    case 'relu':
      return writer.add('Relu', [x]);
    case 'sigmoid':
      return writer.add('Sigmoid', [x]);
    case 'softsign':
      return writer.add('Softsign', [x]);
    case 'softplus':
      return writer.add('Softplus', [x]);
    default:
      return writer.add('Tanh', [x]);
  }
}

function affine(writer: NodeWriter, x: string, alpha: number, beta: number): string {
  const scaled = alpha === 1 ? x : writer.add('Mul', [x, writer.float(alpha)]);
  return beta === 0 ? scaled : writer.add('Add', [scaled, writer.float(beta)]);
}
