"""The peer of the quantizing bench: onnxruntime's quantize_dynamic, in a process of its own.

    python onnxruntime_peer.py MODEL.onnx OUT.onnx

Prints the seconds from the file read to the file written (the imports apart), and the process's peak memory.
"""

import json
import logging
import os
import sys
import time

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # asked before the first session

import onnxruntime
from onnxruntime.quantization import QuantType, quantize_dynamic

from peak_memory import peak_memory_mb

logging.disable(logging.WARNING)
start, processor_start = time.perf_counter(), time.process_time()
quantize_dynamic(sys.argv[1], sys.argv[2], op_types_to_quantize=["MatMul", "LSTM"], weight_type=QuantType.QInt8)
print(json.dumps({
    "version": onnxruntime.__version__,
    "seconds": time.perf_counter() - start,
    "processorSeconds": time.process_time() - processor_start,
    "peakMemoryMb": peak_memory_mb(),
}))
