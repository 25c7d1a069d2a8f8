"""A model in eight bits by ONNX Runtime's own tool, to measure what that costs."""

from pathlib import Path

import telemetry  # noqa: F401
import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

DYNAMIC = ("MatMul", "LSTM")


class Utterances(CalibrationDataReader):
    """Features of recordings, one after the other, for calibration."""

    def __init__(self, blocks: list[np.ndarray]):
        self.feeds = iter({"features": block[None], "lengths": np.array([len(block)])} for block in blocks)

    def get_next(self) -> dict | None:
        """The next utterance's inputs."""
        return next(self.feeds, None)


def quantize(model: Path, output: Path, calibration: list[np.ndarray]) -> str:
    """Write the model in int8; returns what was done.

    Products and LSTMs with activations quantized at run time; a model that has neither is all convolutions and gets
    ranges from `calibration`, features [T, bins] of recordings that it is not judged on.
    """
    operators = {node.op_type for node in onnx.load(model, load_external_data=False).graph.node}
    if operators & set(DYNAMIC):
        quantize_dynamic(model, output, op_types_to_quantize=list(DYNAMIC), weight_type=QuantType.QInt8)
        return "onnxruntime.quantization.quantize_dynamic on MatMul and LSTM, QInt8"
    quantize_static(
        model, output, Utterances(calibration), quant_format=QuantFormat.QDQ, op_types_to_quantize=["Conv"],
        per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )
    return f"onnxruntime.quantization.quantize_static on Conv, per channel, {len(calibration)} calibration recordings"
