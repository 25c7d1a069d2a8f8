import type { ModelSession } from './modelSession.js';
import { keepOptimized } from './optimizedModel.js';
import { openSession, type SessionOptions } from './session.js';

/**
 * Opens a graph, from its optimised form where one is kept.
 *
 * @param path - the `.onnx` file
 * @param optimizedFolder - where optimised forms are kept. Default: none is
 * @throws {InputError} when the file cannot be loaded
 * @throws {UnavailableError} when the execution provider does not exist on this machine
 */
export async function openGraph(
  path: string,
  { optimizedFolder, ...options }: SessionOptions & { readonly optimizedFolder?: string | undefined } = {},
): Promise<ModelSession> {
  const kept = optimizedFolder === undefined ? null : await keepOptimized(path, optimizedFolder, options);
  return await (kept === null || kept.state === 'not kept'
    ? openSession(path, options)
    : openSession(kept.path, { ...options, graphOptimizationLevel: 'disabled', shownPath: path }));
}
