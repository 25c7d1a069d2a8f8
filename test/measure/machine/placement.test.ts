// Lines as onnxruntime-node 1.30.0 printed them for a Deep Speech 2 with LSTMs on WebGPU (shortened), and for one provider alone.
import { describe, expect, it } from 'vitest';
import { parsePlacement } from '../../../src/measure/machine/placement.js';

const PLACE = '2026-11-21 13:55:47.437 [V:onnxruntime:, session_state.cc:1385 VerifyEachNodeIsAssignedToAnEp] ';

describe('parsePlacement', () => {
  it('counts the nodes of each side, and those that do the work', () => {
    const log = [
      `${PLACE} Node(s) placed on [CPUExecutionProvider]. Number of nodes: 3`,
      `${PLACE}   Shape (/Shape)`,
      `${PLACE}   LogSoftmax (/LogSoftmax)`,
      `${PLACE}   LSTM (/r.2/LSTM)`,
      `${PLACE} Node(s) placed on [WebGpuExecutionProvider]. Number of nodes: 4`,
      `${PLACE}   Conv (/c.0/Conv)`,
      `${PLACE}   com.ms.internal.nhwc.Conv (/c.1/Conv)`,
      `${PLACE}   LSTM (/r.0/LSTM)`,
      `${PLACE}   MemcpyFromHost (Memcpy)`,
      '2026-11-21 13:55:47.438 [I:onnxruntime:, allocation_planner.cc:2653 CreateGraphPartitioner] Use DeviceBasedPartition',
    ].join('\n');
    expect(parsePlacement(log)).toEqual({ onDevice: 4, onCpu: 3, heavyOnDevice: 3, heavyOnCpu: 1 });
  });

  it('sees when everything fell back to the processor', () => {
    const log = `${PLACE} All nodes placed on [CPUExecutionProvider]. Number of nodes: 71`;
    expect(parsePlacement(log)).toEqual({ onDevice: 0, onCpu: 71, heavyOnDevice: 0, heavyOnCpu: 0 });
  });

  it('knows when nothing was said', () => {
    expect(parsePlacement('warning: something else')).toBeNull();
  });
});
