"""Bring an exported LSTM network back into a run, so that what quantlab made of it is trained further.

    quantlab model unpack deepspeech2-lstm DIR
    python from_onnx.py --model DIR/model.onnx --run runs/deepspeech2-lstm
    quantlab quantize deepspeech2-lstm -o low-rank.onnx --recipe low-rank --energy 0.9
    python from_onnx.py --model low-rank.onnx --run runs/deepspeech2-lstm-low-rank

Its norms are part of the weights already, so the network is a folded one; input weights that are two factors stay two.
What it heard before is not in the file: its log says so.
"""

import argparse
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper

from architectures import architecture_of
from front_ends import FRONT_ENDS
from model import DeepSpeech2, Shape
from run import save_atomically


class Exported:
    """Weights of a graph, by the node that reads them."""

    def __init__(self, path: Path):
        graph = onnx.load(path).graph
        self.path = path
        self.weights = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
        self.nodes = list(graph.node)
        self.maker = {output: node for node in graph.node for output in node.output}
        self.bins = graph.input[0].type.tensor_type.shape.dim[-1].dim_value

    def of(self, operator: str) -> list[onnx.NodeProto]:
        """Nodes of an operator, in the graph's order."""
        return [node for node in self.nodes if node.op_type == operator]

    def matrix(self, node: onnx.NodeProto) -> torch.Tensor:
        """The constant matrix [inputs, outputs] of a product."""
        return self.weights[node.input[1]].float()


def from_onnx_gates(weight: torch.Tensor) -> torch.Tensor:
    """Rows of ONNX's gates (input, output, forget, cell) in PyTorch's order (input, forget, cell, output)."""
    input_gate, output_gate, forget_gate, cell_gate = weight.chunk(4)
    return torch.cat([input_gate, forget_gate, cell_gate, output_gate])


def factor_of(graph: Exported, lstm: onnx.NodeProto) -> torch.Tensor | None:
    """The first factor [rank, inputs] of a layer's input weights, where they are two."""
    maker = graph.maker.get(lstm.input[0])
    return graph.matrix(maker).T if maker is not None and maker.op_type == "MatMul" else None


def labels_of(graph: Exported) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight [labels, units] and bias of the last product; two factors of it are multiplied, it is small."""
    last = graph.of("MatMul")[-1]
    weight = graph.matrix(last)
    before = graph.maker[last.input[0]]
    if before.op_type == "MatMul":
        weight = graph.matrix(before) @ weight
    reader = next(node for node in graph.of("Add") if last.output[0] in node.input)
    return weight.T, next(graph.weights[name] for name in reader.input if name in graph.weights)


@torch.no_grad()
def read_lstm(path: Path) -> DeepSpeech2:
    """The network of a file that export_lstm.py wrote, or that quantlab made of one in floating point."""
    graph = Exported(path)
    lstms, convolutions = graph.of("LSTM"), graph.of("Conv")
    if not lstms or len(convolutions) != 2:
        raise ValueError(f"{path}: two convolutions and LSTM layers in floating point were required, got "
                         f"{len(convolutions)} and {len(lstms)}; give an export of deepspeech2-lstm")
    factors = [factor_of(graph, lstm) for lstm in lstms]
    units = {graph.weights[lstm.input[2]].shape[2] for lstm in lstms}
    if len(units) != 1:
        raise ValueError(f"{path}: as many units in each layer were required, got {sorted(units)}; take as many from each")
    front_end = next(front_end for front_end in FRONT_ENDS.values() if front_end.bins == graph.bins)
    ranks = tuple(0 if factor is None else len(factor) for factor in factors)
    channels = len(graph.weights[convolutions[0].input[1]])
    shape = Shape(channels, units.pop(), len(lstms), front_end.name, folded=True, ranks=ranks if any(ranks) else ())
    network = DeepSpeech2(shape)
    for block, node in zip(network.convolutions, convolutions):
        block.convolution.weight.copy_(graph.weights[node.input[1]])
        block.convolution.bias.copy_(graph.weights[node.input[2]])
    for layer, own, factor, node in zip(network.layers, network.factors, factors, lstms):
        if factor is not None:
            own.weight.copy_(factor)
        tensors = [graph.weights[name].float() for name in node.input[1:4]]
        for direction, (weight, recurrent, bias) in zip(layer.children(), zip(*tensors)):
            direction.input_weight.copy_(from_onnx_gates(weight))
            direction.recurrent_weight.copy_(from_onnx_gates(recurrent))
            direction.bias.copy_(from_onnx_gates(sum(bias.chunk(2))))
    weight, bias = labels_of(graph)
    network.labels.weight.copy_(weight)
    network.labels.bias.copy_(bias)
    return network


def main() -> None:
    """Write `best.pt` of a run, from which --start-from continues."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    options = parser.parse_args()
    network = read_lstm(options.model)
    options.run.mkdir(parents=True, exist_ok=True)
    save_atomically(
        {"architecture": architecture_of(network.shape), "shape": network.shape.as_dict(), "average": network.state_dict(),
         "grid": None, "units_kept": None, "sparsity": None, "teacher": None, "started_from": None, "updates": 0,
         "elapsed_s": 0.0, "trained_frames": {}, "device": "cpu"},
        options.run / "best.pt",
    )


if __name__ == "__main__":
    main()
