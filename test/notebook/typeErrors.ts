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
  const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
  return found.map(({ messageText, start = 0 }) => {
    let line = file?.getLineAndCharacterOfPosition(start).line ?? 0;
    let cell = 1;
    for (const source of codeOf(cells).map(sourceOf)) {
      const lines = source.split('\n').length;
      if (line < lines) break;
      line -= lines;
      cell += 1;
    }
    return `cell ${cell}, line ${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}
