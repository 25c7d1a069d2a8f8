import type { KernelInput } from './kernels.js';

/** What the process of a kernel is asked; it answers once and ends. */
export interface KernelRequest {
  readonly path: string;
  /** As ONNX Runtime names it; any, not only those that models are measured on. */
  readonly executionProvider: string;
  readonly threads: number;
  readonly inputs: readonly KernelInput[];
  readonly runs: number;
  /** Prints on standard error where nodes were placed. */
  readonly verbose: boolean;
}

/** Its answer. */
export type KernelReply =
  | {
      readonly kind: 'ran';
      readonly timesMs: readonly number[];
      readonly drivers: readonly string[];
      readonly devices: readonly string[];
    }
  | { readonly kind: 'failed'; readonly message: string };
