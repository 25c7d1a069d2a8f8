import ts from 'typescript';

/**
 * What the compiler says of programs of somebody who installed the package, checked together and strictly.
 *
 * @param paths - of the programs
 */
export function typeErrors(paths: readonly string[]): readonly ts.Diagnostic[] {
  const program = ts.createProgram(paths, {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
  });
  return ts.getPreEmitDiagnostics(program);
}
