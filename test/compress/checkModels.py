"""Runs ONNX's checker over each model of a folder: `python test/compress/checkModels.py DIR` (onnx 1.23.0)."""

import sys
from pathlib import Path

import onnx

models = sorted(Path(sys.argv[1]).glob("*.onnx"))
failed = 0
for path in models:
    try:
        onnx.checker.check_model(path, full_check=True)
    except Exception as error:
        failed += 1
        print(path.name, str(error).strip().splitlines()[0])
print(f"{len(models)} models, {failed} refused (onnx {onnx.__version__})")
sys.exit(failed > 0)
