import { closeSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { InputError, UnavailableError } from '../../errors.js';
import { describeFileError } from '../../files.js';
import { isCoded } from '../../onnx/file/codedTensor.js';
import { readModel } from '../../onnx/file/read.js';
import { modelToBytes } from '../../onnx/file/write.js';
import { env, InferenceSession } from '../../runtime.js';
import { ModelSession, runtimeMessage } from './modelSession.js';

/** Parts of ONNX Runtime that run a model: the processor, NVIDIA's CUDA, or WebGPU (Vulkan, Metal, Direct3D 12). */
export type ExecutionProvider = 'cpu' | 'cuda' | 'webgpu';

/** How a model is run. */
export interface SessionOptions {
  /** Default: `cpu`. */
  readonly executionProvider?: ExecutionProvider;
  /** Threads of one operator (`intra_op_num_threads`). Default: ONNX Runtime's, one for each physical core. */
  readonly threads?: number;
  /** Keeps the memory of one run for the next (`enableCpuMemArena`). Default: true, as ONNX Runtime's. */
  readonly arena?: boolean;
  /** Lets idle threads wait by spinning (`session.intra_op.allow_spinning`). Default: true, as ONNX Runtime's. */
  readonly spinning?: boolean;
  /** How far the graph is rewritten for this machine before it runs. Default: `all`; `disabled` for a graph that was. */
  readonly graphOptimizationLevel?: 'disabled' | 'all';
  /**
   * Writes the optimised graph to this path, and its weights, as the operators want them laid out (prepacked), into the same path with
   * `.data` behind it.
   */
  readonly optimizedModelFilePath?: string;
  /** Prints on standard error which node was placed where; for finding out, not for timing. */
  readonly verbose?: boolean;
  /** Begins the name of the file that a profile of the runs is written to. Default: none is made. */
  readonly profilePrefix?: string;
  /** File that errors name, where the loaded one was made from another. Default: the loaded one. */
  readonly shownPath?: string;
}

/** Names of {@link ExecutionProvider}s, in the order in which a GPU is looked for. */
export const EXECUTION_PROVIDERS: readonly ExecutionProvider[] = ['cpu', 'cuda', 'webgpu'];

/** Weights of an optimised model from this size on lie in the file beside it. */
const SMALLEST_EXTERNAL_BYTES = 1024;

/**
 * Opens a model in ONNX Runtime.
 *
 * @param path - the `.onnx` file
 * @throws {InputError} when the file is missing, cut or no ONNX model, or an option is not possible
 * @throws {UnavailableError} when the execution provider does not exist on this machine
 */
export async function openSession(path: string, options: SessionOptions = {}): Promise<ModelSession> {
  const { executionProvider = 'cpu', threads, arena = true, verbose = false, profilePrefix } = options;
  const { shownPath = path } = options;
  if (!EXECUTION_PROVIDERS.includes(executionProvider)) {
    const known = EXECUTION_PROVIDERS.join(', ');
    throw new InputError(`execution provider: one of ${known} was required, got ${executionProvider}; choose one`);
  }
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 1024)) {
    throw new InputError(`threads: a whole number in 1…1024 was required, got ${threads}; try the number of cores`);
  }
  checkReadable(path);
  // Set before the runtime starts: warnings are of no use to a reader, and what fails is thrown.
  if (!verbose) env.logLevel = 'fatal';
  try {
    const session = await create(path, {
      executionProviders: [executionProvider],
      interOpNumThreads: 1,
      enableCpuMemArena: arena,
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      ...(options.graphOptimizationLevel && { graphOptimizationLevel: options.graphOptimizationLevel }),
      ...(options.optimizedModelFilePath && { optimizedModelFilePath: options.optimizedModelFilePath }),
      ...(profilePrefix !== undefined && { enableProfiling: true, profileFilePrefix: profilePrefix }),
      extra: { session: entriesOf(options) },
      logSeverityLevel: verbose ? 0 : 4,
    });
    return new ModelSession(session, shownPath);
  } catch (error) {
    if (error instanceof InputError) throw error;
    const message = (error as Error).message.trim();
    if (executionProvider !== 'cpu' && !isAboutTheModel(message)) {
      throw new UnavailableError(
        `execution provider ${executionProvider}: ${explainProviderError(executionProvider, message)}; run on cpu instead`,
        { cause: error },
      );
    }
    throw new InputError(
      `${shownPath}: an ONNX model that ONNX Runtime can load was required, got: ${runtimeMessage(error)}; restore the file or make it again`,
      { cause: error },
    );
  }
}

/**
 * Loads a model's file; one that `quantlab code` wrote, which the runtime refuses, is decoded in memory. Only then is it looked into: to
 * read the messages of every plain model first would take 7 to 30 ms of a load of 50.
 */
async function create(path: string, options: InferenceSession.SessionOptions): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(path, options);
  } catch (error) {
    const model = await readModel(path).catch(() => undefined);
    if (model === undefined || !isCoded(model)) throw error;
    return await InferenceSession.create(modelToBytes(model), options);
  }
}

/** Keys of onnxruntime_session_options_config_keys.h, without their prefix `session.`. */
function entriesOf({ spinning = true, optimizedModelFilePath }: SessionOptions): Readonly<Record<string, unknown>> {
  return {
    ...(!spinning && { intra_op: { allow_spinning: '0' } }),
    ...(optimizedModelFilePath && {
      optimized_model_external_initializers_file_name: `${basename(optimizedModelFilePath)}.data`,
      optimized_model_external_initializers_min_size_in_bytes: String(SMALLEST_EXTERNAL_BYTES),
      save_external_prepacked_constant_initializers: '1',
    }),
  };
}

function isAboutTheModel(message: string): boolean {
  return /Protobuf parsing failed|INVALID_PROTOBUF|INVALID_GRAPH|Load model from/.test(message);
}

/**
 * Says in plain words why an execution provider did not start.
 *
 * @param provider - which one
 * @param message - what ONNX Runtime said
 */
export function explainProviderError(provider: ExecutionProvider, message: string): string {
  const detail = runtimeMessage({ message: message.split('\n', 1)[0] });
  if (provider === 'cuda' && /Failed to load shared library|libonnxruntime_providers/.test(message)) {
    return `its library or one that it needs (CUDA 12, cuDNN 9) is not installed (${detail})`;
  }
  if (provider === 'cuda' && /no CUDA-capable device|driver version|CUDA failure/.test(message)) {
    return `no NVIDIA driver answered (${detail})`;
  }
  if (provider === 'webgpu' && /Failed to get a WebGPU adapter/.test(message)) {
    return `no graphics driver answered (${detail.replace(/^.*(Failed to get a WebGPU adapter)/, '$1')})`;
  }
  return `it did not start (${detail})`;
}

function checkReadable(path: string): void {
  try {
    const file = openSync(path, 'r');
    try {
      readSync(file, new Uint8Array(1));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw describeFileError(path, error);
  }
}
