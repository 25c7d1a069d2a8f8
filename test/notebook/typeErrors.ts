import { join } from 'node:path';
import ts from 'typescript';
import { type Cell, codeOf, NOTEBOOKS, ROOT, sourceOf } from './cells.js';

/** As the kernel compiles: not strictly. */
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  moduleDetection: ts.ModuleDetectionKind.Force,
  types: ['node'],
  typeRoots: [join(ROOT, 'node_modules', '@types')],
  resolveJsonModule: true,
  skipLibCheck: true,
  noEmit: true,
  paths: {
    quantlab: [join(ROOT, 'src/index.ts')],
    'quantlab/notebook': [join(ROOT, 'src/notebook/index.ts')],
    'quantlab/*': [join(ROOT, 'src/entries/*.ts')],
  },
};

/**
 * Checks the types of notebooks against the sources: the cells of each as one module, in their order.
 *
 * @param notebooks - cells by file name
 * @returns what is wrong, by file name; each with the number of the cell
 */
export function typeErrorsOf(notebooks: ReadonlyMap<string, readonly Cell[]>): ReadonlyMap<string, readonly string[]> {
  const texts = new Map([...notebooks].map(([name, cells]) => [pathOf(name), codeOf(cells).map(sourceOf).join('\n')]));
  const host = ts.createCompilerHost(OPTIONS);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  host.readFile = (path) => texts.get(path) ?? readFile(path);
  host.getSourceFile = (path, language, ...rest) => {
    const text = texts.get(path);
    return text === undefined ? getSourceFile(path, language, ...rest) : ts.createSourceFile(path, text, language);
  };
  const program = ts.createProgram([...texts.keys()], OPTIONS, host);
  return new Map([...notebooks].map(([name, cells]) => [name, errorsOf(program, pathOf(name), cells)]));
}

const pathOf = (name: string): string => join(NOTEBOOKS, name.replace('.ipynb', '.ts'));

function errorsOf(program: ts.Program, path: string, cells: readonly Cell[]): string[] {
  const file = program.getSourceFile(path);
  if (file === undefined) throw new Error(`${path}: not compiled`);
  const ends = endsOf(cells);
  const cellAt = (start: number): number => ends.findIndex((end) => start < end);
  const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
    ({ messageText, start = 0 }) => ({ start, text: ts.flattenDiagnosticMessageText(messageText, ' ') }),
  );
  const checker = program.getTypeChecker();
  const visit = (node: ts.Node): void => {
    if (ts.isShorthandPropertyAssignment(node)) {
      const declared = checker.getShorthandAssignmentValueSymbol(node)?.declarations?.[0];
      if (declared?.getSourceFile() === file && cellAt(declared.getStart()) < cellAt(node.getStart())) {
        const name = node.name.text;
        found.push({
          start: node.getStart(),
          text: `{ ${name} } is of an earlier cell, which tslab without .ci/kernel.mjs does not find; write { ${name}: ${name} }`,
        });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found.map(({ start, text }) => {
    const cell = cellAt(start);
    const { line } = file.getLineAndCharacterOfPosition(start);
    const before = file.getLineAndCharacterOfPosition(ends[cell - 1] ?? 0).line;
    return `cell ${cell + 1}, line ${line - before + 1}: ${text}`;
  });
}

/** Where each code cell ends in the module, behind its line break. */
function endsOf(cells: readonly Cell[]): number[] {
  let end = 0;
  return codeOf(cells).map((cell) => {
    end += sourceOf(cell).length + 1;
    return end;
  });
}
