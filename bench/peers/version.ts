import { readEnvironment } from 'quantlab/measure';

/** What our side is, for the table. */
export async function quantlabVersion(): Promise<string> {
  const { packages } = await readEnvironment();
  return `quantlab ${packages['quantlab']}, onnxruntime-node ${packages['onnxruntime-node']}`;
}
