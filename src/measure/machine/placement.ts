/** How many nodes of a graph run on a device, and how many on the processor beside it. */
export interface Placement {
  readonly onDevice: number;
  readonly onCpu: number;
  /** Nodes that do the work (products, convolutions, recurrences), on the device and on the processor. */
  readonly heavyOnDevice: number;
  readonly heavyOnCpu: number;
}

/** Operators that cost time; all others only move or shape what these compute. */
const HEAVY =
  /^(?:Fused|Quantized|QLinear|DynamicQuantize|MatMul|Nhwc)?(?:Conv|ConvTranspose|MatMul|Gemm|LSTM|GRU|RNN|Attention|Scan|Loop|MultiHeadAttention|ConvInteger|MatMulInteger|MatMulNBits)$/;

const HEADING = /(?:Node\(s\)|All nodes) placed on \[(\w+)\]\. Number of nodes: (\d+)/;
const NODE = /VerifyEachNodeIsAssignedToAnEp\]\s+([A-Za-z0-9_.]+) \(/;

/**
 * Reads where ONNX Runtime placed the nodes, from what it prints when it is verbose.
 *
 * @param log - standard error of a process that loaded one model
 * @returns `null` when nothing is said about it
 */
export function parsePlacement(log: string): Placement | null {
  const counts = { onDevice: 0, onCpu: 0, heavyOnDevice: 0, heavyOnCpu: 0 };
  let onCpu = false;
  let found = false;
  for (const line of log.split('\n')) {
    const heading = HEADING.exec(line);
    if (heading !== null) {
      found = true;
      onCpu = heading[1] === 'CPUExecutionProvider';
      counts[onCpu ? 'onCpu' : 'onDevice'] += Number(heading[2]);
      continue;
    }
    const operator = NODE.exec(line)?.[1]?.split('.').at(-1);
    if (operator !== undefined && HEAVY.test(operator)) counts[onCpu ? 'heavyOnCpu' : 'heavyOnDevice'] += 1;
  }
  return found ? counts : null;
}
