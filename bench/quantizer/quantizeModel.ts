/**
 * Our side of the quantizing bench, in a process of its own: reads, quantizes and writes a model.
 *
 *     node quantizeModel.js MODEL.onnx OUT.onnx
 */
import { readModel, writeModel } from 'quantlab';
import { quantizeDynamic } from 'quantlab/compress';
import { peakMemoryMb } from './peakMemory.js';

const [input = '', output = ''] = process.argv.slice(2);
const start = performance.now();
const processorBefore = process.cpuUsage();
const { model } = quantizeDynamic(await readModel(input), { opTypesToQuantize: ['MatMul', 'LSTM'] });
await writeModel(model, output);
const { user, system } = process.cpuUsage(processorBefore);
const seconds = (performance.now() - start) / 1000;
const processorSeconds = (user + system) / 1e6;
process.stdout.write(`${JSON.stringify({ seconds, processorSeconds, peakMemoryMb: peakMemoryMb() })}\n`);
