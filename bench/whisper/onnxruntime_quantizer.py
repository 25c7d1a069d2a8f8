"""ONNX Runtime's own quantizer on our two float32 graphs: python onnxruntime_quantizer.py FOLDER OUT.

Prints one line of JSON: its version, and of each graph the error that it raised, if any.
"""

import json
import logging
import os
import sys
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # asked before the first session

import onnxruntime
from onnxruntime.quantization import QuantType, quantize_dynamic

logging.disable(logging.WARNING)
folder, out = map(Path, sys.argv[1:3])
out.mkdir(parents=True, exist_ok=True)
errors = {}
for name in ("encoder", "decoder"):
    try:
        quantize_dynamic(folder / f"{name}.onnx", out / f"{name}.onnx", op_types_to_quantize=["MatMul", "Gemm", "Gather"], per_channel=True, weight_type=QuantType.QInt8)
    except Exception as error:  # noqa: BLE001
        errors[name] = f"{type(error).__name__}: {error}"
print(json.dumps({"version": onnxruntime.__version__, "errors": errors}))
