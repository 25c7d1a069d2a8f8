import { raiseToOpset11 } from '../../onnx/graph/raiseOpset.js';
import { modelNodes } from '../../onnx/graph/subgraphs.js';
import { type OnnxModel, opsetVersion } from '../../onnx/model.js';
import { describeSimplification, simplifyModel } from '../../onnx/normalForm/simplify.js';

/** A model as the transforms take it, and what was changed for it. */
export interface Prepared {
  readonly model: OnnxModel;
  readonly notes: readonly string[];
  /** Names of nodes that options may name: those of the original, and of what its functions do. */
  readonly nodeNames: ReadonlySet<string>;
}

/**
 * The one door by which a model enters a transform: in normal form ({@link simplifyModel}) and, where its operator set is
 * below the lowest that the transform can do with, of operator set 11.
 *
 * @throws {InputError} when the model has no normal form, or its operator set cannot be raised
 */
export function prepare(original: OnnxModel, options: { readonly lowestOpset?: number } = {}): Prepared {
  const { model, report } = simplifyModel(original);
  // What only tidies up is nothing that a reader of the report asks for.
  const notes = describeSimplification({
    ...report,
    renamedValues: 0,
    gatheredConstants: 0,
    removedIdentities: 0,
    mergedNodes: 0,
    unusedNodes: 0,
    unusedWeights: 0,
  });
  const nodeNames = new Set([...namesIn(original), ...namesIn(model)]);
  if (opsetVersion(model) >= (options.lowestOpset ?? 0)) return { model, notes, nodeNames };
  const raised = raiseToOpset11(model);
  return { model: raised, notes: [...notes, `operator set ${opsetVersion(model)} was raised to 11`], nodeNames };
}

function namesIn(model: OnnxModel): string[] {
  return Array.from(modelNodes(model.proto), ({ name }) => name);
}
