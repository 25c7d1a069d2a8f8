/**
 * Our side, in a process that stays alive: reads the path of a recording's features a line, answers a line of JSON.
 *
 *     node ours.js MODEL GRAPH.onnx THREADS
 *
 * MODEL names the card, GRAPH.onnx what is run in the place of its graph. The time is that of the network.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { resolveModel } from 'quantlab';
import { Recognizer, requireCtc } from 'quantlab/recognise';
import { quantlabVersion } from '../peers/version.js';
import { peakMemoryMb } from '../quantizer/peakMemory.js';

const [id = '', graph = '', threads = ''] = process.argv.slice(2);
const answer = (fields: object): void => void process.stdout.write(`${JSON.stringify(fields)}\n`);
const model = await resolveModel(id);
const { bins } = requireCtc(model.card).frontEnd as { readonly bins: number };
const recognizer = await Recognizer.load(
  { ...model, path: graph, graphs: { model: graph } },
  { threads: Number(threads) },
);
const { stages } = recognizer;
if (stages === undefined) throw new Error(`${id}: a model with stages is required`);
answer({ version: await quantlabVersion() });
for await (const line of createInterface({ input: process.stdin })) {
  const bytes = await readFile(line.trim());
  const data = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const used = process.cpuUsage();
  const started = performance.now();
  const [scores] = await stages.infer([{ data, frames: data.length / bins, bins }]);
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(used);
  if (scores === undefined) throw new Error(`${line}: scores were required, got none`);
  const { data: values } = scores;
  const output = createHash('sha256').update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  answer({
    ms,
    processorMs: (user + system) / 1000,
    text: stages.decode(scores).text,
    peakBytes: peakMemoryMb() * 2 ** 20,
    output: output.digest('hex').slice(0, 12),
  });
}
await recognizer.release();
