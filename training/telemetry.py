"""Turns off what ONNX Runtime reports to its maker by default. Imported before onnxruntime, which asks at its first session."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
