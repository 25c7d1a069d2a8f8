"""Deep Speech 2 elsewhere: python deepspeech2_peer.py torch-float32|torch-int8|onnxruntime MODEL.onnx LABELS.json BINS THREADS

What is heard are features, raw float32 numbers of shape [frames, BINS]. `torch-int8` is `torch.ao.quantization.quantize_dynamic`
on {LSTM, Linear}. The time is that of the network; the best label of each step is taken, as ours is.
"""

import hashlib
import io
import json
import sys
import warnings
from pathlib import Path

import numpy as np
from worker import serve

kind, path, labels_path, bins, threads = sys.argv[1:6]
labels = json.loads(Path(labels_path).read_text())
ready: dict[str, object] = {}

if kind == "onnxruntime":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(threads)
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    version = f"onnxruntime {onnxruntime.__version__}"

    def network(features: np.ndarray) -> np.ndarray:
        feeds = {"features": features[None], "lengths": np.array([len(features)])}
        return session.run(["log_probabilities"], feeds)[0]

else:
    import torch
    from torch import nn
    from torch_peer import Network

    warnings.simplefilter("ignore")
    torch.set_num_threads(int(threads))
    torch.set_grad_enabled(False)
    module = Network(path).eval()
    if kind == "torch-int8":
        module = torch.ao.quantization.quantize_dynamic(module, {nn.LSTM, nn.Linear}, dtype=torch.qint8)
    state = io.BytesIO()
    torch.save(module.state_dict(), state)
    ready["sizeBytes"] = state.tell()
    version = f"torch {torch.__version__}, engine {torch.backends.quantized.engine}"

    def network(features: np.ndarray) -> np.ndarray:
        return module(torch.from_numpy(features)[None]).numpy()


def hear(numbers: np.ndarray) -> np.ndarray:
    return network(numbers.reshape(-1, int(bins)))


def tell(given: np.ndarray) -> dict[str, object]:
    best = given[0].argmax(-1)
    kept = [label for step, label in enumerate(best) if label != labels["blank"] and (step == 0 or label != best[step - 1])]
    digest = hashlib.sha256(np.ascontiguousarray(given[0]).tobytes()).hexdigest()
    return {"text": " ".join("".join(labels["labels"][label] for label in kept).split()), "output": digest[:12]}


serve(hear, version, tell, **ready)
