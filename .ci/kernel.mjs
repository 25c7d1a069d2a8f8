// The TypeScript kernel of the notebooks: tslab, and two faults of it mended. `.ci/lab.mjs` tells Jupyter to start this.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const tslab = createRequire(require.resolve('tslab/package.json'));
const ts = tslab('@tslab/typescript-for-tslab');
const converter = tslab('./dist/converter.js');
const { ZmqServer } = tslab('./dist/jupyter.js');

/**
 * Writes `{ name: name }` for `{ name }`: tslab looks for a constant of an earlier cell everywhere but there, which would be a
 * ReferenceError.
 */
function spellOut(source) {
  const places = [];
  const visit = (node) => {
    if (ts.isShorthandPropertyAssignment(node)) places.push(node.name);
    ts.forEachChild(node, visit);
  };
  const file = ts.createSourceFile('cell.ts', source, ts.ScriptTarget.Latest, true);
  visit(file);
  return places.reduceRight(
    (text, name) => `${text.slice(0, name.getStart(file))}${name.text}: ${text.slice(name.getStart(file))}`,
    source,
  );
}

const { createConverter } = converter;
converter.createConverter = (options) => {
  const made = createConverter(options);
  const { convert } = made;
  return Object.assign(made, { convert: (declarations, source) => convert(declarations, spellOut(source)) });
};

/** Requests to run a cell that are not answered yet. */
const running = new Set();
const { publishStatus } = ZmqServer.prototype;

// The end of any request, such as one for help, reads as "idle" in JupyterLab, also while a cell runs: say that one does.
ZmqServer.prototype.publishStatus = function (status, request) {
  if (request.header.msg_type === 'execute_request') running[status === 'busy' ? 'add' : 'delete'](request);
  publishStatus.call(this, status, request);
  const [cell] = running;
  if (status === 'idle' && cell) publishStatus.call(this, 'busy', cell);
};

if (process.argv[2] === 'kernel') tslab('./dist/main.js').main();
