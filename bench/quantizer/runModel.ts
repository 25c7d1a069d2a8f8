/**
 * Our side of the speed bench, in a process of its own: loads a model, runs it, prints its times as JSON.
 *
 *     node runModel.js MODEL.onnx FEATURES.npy FRAMES THREADS TRIALS [LOGITS.npy]
 */
import { readFile, writeFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { peakMemoryMb } from './peakMemory.js';
import { npyBytes, npyNumbers } from './samples.js';

const [model = '', featuresPath = '', frameText = '', threads = '', trials = '', logitsPath] = process.argv.slice(2);
// Without the arena a step of a loop costs a little less: the system's allocator is quicker for its small vectors.
const session = await InferenceSession.create(model, {
  intraOpNumThreads: Number(threads),
  logSeverityLevel: 3,
  enableCpuMemArena: false,
});
const data = npyNumbers(await readFile(featuresPath));
const frames = Number(frameText);
const features = new Tensor('float32', data, [1, frames, data.length / frames]);
const lengths = new Tensor('int64', BigInt64Array.of(BigInt(frames)), [1]);

const timesMs: number[] = [];
const processorMs: number[] = [];
let answer: Tensor | undefined;
for (let trial = -2; trial < Number(trials); trial++) {
  const processorBefore = process.cpuUsage();
  const start = performance.now();
  const outputs = await session.run({ features, lengths });
  const elapsed = performance.now() - start;
  const { user, system } = process.cpuUsage(processorBefore);
  answer = outputs['log_probabilities'];
  if (trial < 0) continue;
  timesMs.push(elapsed);
  processorMs.push((user + system) / 1000);
}
if (logitsPath !== undefined && answer !== undefined) {
  await writeFile(logitsPath, npyBytes(answer.data as Float32Array, answer.dims));
}
process.stdout.write(`${JSON.stringify({ timesMs, processorMs, peakMemoryMb: peakMemoryMb() })}\n`);
