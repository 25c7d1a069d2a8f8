"""PyTorch's side of the quantizer bench: the same weights as a model that `quantlab model build` wrote, in torch modules.

    python torch_peer.py MODEL.onnx FEATURES.npy THREADS TRIALS float32|int8 [LOGITS.npy]

`int8` is `torch.ao.quantization.quantize_dynamic` on {LSTM, GRU, Linear}. Prints one JSON object; writes the
log-probabilities [N, T', V] when asked to. One sentence at a time, batch 1: no padding, so no masks are needed.
"""

import json
import sys
import time
import warnings

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from peak_memory import peak_memory_mb

warnings.filterwarnings("ignore")


def reordered(rows: np.ndarray, kind: str) -> torch.Tensor:
    """Rows of ONNX's gates in PyTorch's order: LSTM iofc -> ifco (its cell gate is called g), GRU zrh -> rzn."""
    if kind == "RNN":
        return torch.from_numpy(rows.copy())
    parts = np.split(rows, 4 if kind == "LSTM" else 3)
    order = [0, 2, 3, 1] if kind == "LSTM" else [1, 0, 2]
    return torch.from_numpy(np.concatenate([parts[i] for i in order]).copy())


def recurrent(kind: str, w: np.ndarray, r: np.ndarray, b: np.ndarray) -> nn.Module:
    """A bidirectional layer with the weights of an ONNX node."""
    units = r.shape[2]
    layer = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}[kind](w.shape[2], units, bidirectional=True)
    half = b.shape[1] // 2
    with torch.no_grad():
        for direction, suffix in enumerate(["", "_reverse"]):
            getattr(layer, f"weight_ih_l0{suffix}").copy_(reordered(w[direction], kind))
            getattr(layer, f"weight_hh_l0{suffix}").copy_(reordered(r[direction], kind))
            getattr(layer, f"bias_ih_l0{suffix}").copy_(reordered(b[direction, :half], kind))
            getattr(layer, f"bias_hh_l0{suffix}").copy_(reordered(b[direction, half:], kind))
    return layer


class Network(nn.Module):
    """Deep Speech 2 as `quantlab model build` writes it, either front."""

    def __init__(self, path: str):
        super().__init__()
        graph = onnx.load(path).graph
        weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self.residual = "front.weight" in weights
        recurrences = [node for node in graph.node if node.op_type in ("LSTM", "GRU", "RNN")]
        self.convolutions = nn.ModuleList()
        for node in graph.node:
            if node.op_type != "Conv":
                continue
            kernel = weights[node.input[1]]
            attributes = {a.name: list(a.ints) for a in node.attribute if a.ints}
            convolution = nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2:], attributes["strides"],
                                    attributes["pads"][:2])
            convolution.weight = nn.Parameter(torch.from_numpy(kernel.copy()))
            convolution.bias = nn.Parameter(torch.from_numpy(weights[node.input[2]].copy()))
            self.convolutions.append(convolution)
        self.layers = nn.ModuleList([
            recurrent(node.op_type, *(weights[name] for name in node.input[1:4])) for node in recurrences])
        self.block_norms = nn.ModuleList(
            [self.norm(weights, f"block{i // 2}.{i % 2}.norm") for i in range(6 if self.residual else 0)])
        self.layer_norms = nn.ModuleList(
            [self.norm(weights, f"layer{i}.norm") for i in range(len(recurrences) if self.residual else 0)])
        names = ["front", "classifier", "labels"] if self.residual else ["labels"]
        self.linears = nn.ModuleDict({name: self.linear(weights, name) for name in names})

    @staticmethod
    def norm(weights, name: str) -> nn.LayerNorm:
        norm = nn.LayerNorm(weights[f"{name}.weight"].shape)
        norm.weight = nn.Parameter(torch.from_numpy(weights[f"{name}.weight"].copy()))
        norm.bias = nn.Parameter(torch.from_numpy(weights[f"{name}.bias"].copy()))
        return norm

    @staticmethod
    def linear(weights, name: str) -> nn.Linear:
        matrix = weights[f"{name}.weight"]
        linear = nn.Linear(*matrix.shape)
        linear.weight = nn.Parameter(torch.from_numpy(matrix.T.copy()))
        linear.bias = nn.Parameter(torch.from_numpy(weights[f"{name}.bias"].copy()))
        return linear

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """features [N, T, F] -> log-probabilities [N, T', V]."""
        x = features.transpose(1, 2).unsqueeze(1)
        if self.residual:
            x = self.convolutions[0](x)
            for block in range(3):
                inner = x
                for half in range(2):
                    norm = self.block_norms[2 * block + half]
                    inner = nn.functional.gelu(norm(inner.transpose(2, 3)).transpose(2, 3))
                    inner = self.convolutions[1 + 2 * block + half](inner)
                x = x + inner
        else:
            for convolution in self.convolutions:
                x = convolution(x).clamp(0, 20)
        x = x.permute(3, 0, 1, 2).flatten(2)
        if self.residual:
            x = self.linears["front"](x)
        for index, layer in enumerate(self.layers):
            if self.residual:
                x = nn.functional.gelu(self.layer_norms[index](x))
            x, _ = layer(x)
            if not self.residual:
                x = x.unflatten(2, (2, -1)).sum(2)
        if self.residual:
            x = nn.functional.gelu(self.linears["classifier"](x))
        return self.linears["labels"](x).log_softmax(-1).transpose(0, 1)


def main() -> None:
    """Load, quantize if asked to, time."""
    model_path, features_path, threads, trials, kind = sys.argv[1:6]
    torch.set_num_threads(int(threads))
    network = Network(model_path).eval()
    if kind == "int8":
        network = torch.ao.quantization.quantize_dynamic(network, {nn.LSTM, nn.GRU, nn.Linear}, dtype=torch.qint8)
    features = torch.from_numpy(np.load(features_path))
    times, processor_times = [], []
    with torch.inference_mode():
        logits = network(features)
        for trial in range(1 + int(trials)):
            start, processor_start = time.perf_counter(), time.process_time()
            network(features)
            times.append((time.perf_counter() - start) * 1000)
            processor_times.append((time.process_time() - processor_start) * 1000)
    if len(sys.argv) > 6:
        np.save(sys.argv[6], logits.numpy())
    print(json.dumps({
        "version": torch.__version__,
        "engine": torch.backends.quantized.engine,
        "timesMs": times[1:],
        "processorMs": processor_times[1:],
        "peakMemoryMb": peak_memory_mb(),
    }))


if __name__ == "__main__":
    main()
