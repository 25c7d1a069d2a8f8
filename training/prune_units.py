"""Pruning of whole recurrent units, so that the matrices really become smaller.

What belongs to a unit is its intrinsic sparse structure (Wen et al. 2018, "Learning intrinsic sparse structures within
LSTMs"): its rows of all gates, its column of the recurrent weights and its column of the next layer. Here both
directions of a layer are added, so that unit u of both goes together. The weakest units by the norm of that group go
first, on the cubic schedule of prune_weights.py; every layer keeps as many. `shrink` then leaves them out.
"""

from dataclasses import replace

import torch
from torch import Tensor

from model import DeepSpeech2
from prune_weights import UPDATES_A_CHOICE, cubic_share

DIRECTIONS = ("forward_direction", "backward_direction")


def columns_after(layer: int, layers: int) -> list[str]:
    """Names of the weights that read a layer's units, a column each."""
    if layer == layers - 1:
        return ["labels.weight"]
    return [f"layers.{layer + 1}.{direction}.input_weight" for direction in DIRECTIONS]


def gate_rows(weight: Tensor) -> Tensor:
    """A weight of four gates [4 * units, ...] as a view [4, units, ...]."""
    return weight.view(4, len(weight) // 4, *weight.shape[1:])


def group_norms(weights: dict[str, Tensor], layer: int, layers: int) -> Tensor:
    """Norm of all that belongs to each unit of a layer, [units]."""
    total = sum(weights[name].square().sum(dim=0) for name in columns_after(layer, layers))
    for direction in DIRECTIONS:
        prefix = f"layers.{layer}.{direction}"
        total = total + gate_rows(weights[f"{prefix}.input_weight"]).square().sum(dim=(0, 2))
        recurrent = weights[f"{prefix}.recurrent_weight"].square()
        total = total + gate_rows(recurrent).sum(dim=(0, 2)) + recurrent.sum(dim=0)
    return total.sqrt()


def zero_units(weights: dict[str, Tensor], layer: int, layers: int, gone: Tensor) -> None:
    """Zero all that belongs to some units of a layer, in place; gone: bool [units]."""
    for direction in DIRECTIONS:
        prefix = f"layers.{layer}.{direction}"
        for name in ("input_weight", "recurrent_weight", "bias"):
            gate_rows(weights[f"{prefix}.{name}"])[:, gone] = 0
        weights[f"{prefix}.recurrent_weight"][:, gone] = 0
    for name in columns_after(layer, layers):
        weights[name][:, gone] = 0


class UnitPruner:
    """Keeps a growing number of units at zero, until each layer has `kept` left."""

    def __init__(self, network: DeepSpeech2, kept: int):
        if not isinstance(network, DeepSpeech2):
            raise ValueError(f"units kept: an LSTM network was required, got {type(network).__name__}")
        if network.shape.ranks:
            raise ValueError("units kept: whole input weights were required, got factors; prune first, factor what is left")
        units, self.layers = network.shape.units, network.shape.layers
        if not 0 < kept < units:
            raise ValueError(f"units kept: 1 to {units - 1} of {units} were required, got {kept}")
        self.target = 1 - kept / units
        device = network.labels.weight.device
        self.gone = [torch.zeros(units, dtype=torch.bool, device=device) for _ in range(self.layers)]

    def state(self) -> dict:
        """What a continued run needs."""
        return {"gone": self.gone}

    def restore(self, state: dict) -> None:
        """Continue from `state`."""
        for gone, saved in zip(self.gone, state["gone"], strict=True):
            gone.copy_(saved)

    @torch.no_grad()
    def apply(self, weights: dict[str, Tensor], average: dict[str, Tensor], updates: int, progress: float) -> None:
        """Zero what is to be zero after an update, in the weights and in their average, in place."""
        for layer, gone in enumerate(self.gone):
            if updates % UPDATES_A_CHOICE == 0 or progress >= 1:
                count = round(cubic_share(self.target, progress) * len(gone))
                gone.fill_(False)[group_norms(weights, layer, self.layers).argsort()[:count]] = True
            zero_units(weights, layer, self.layers, gone)
            zero_units(average, layer, self.layers, gone)


@torch.no_grad()
def shrink(network: DeepSpeech2, kept: int) -> DeepSpeech2:
    """A network with the `kept` strongest units of each layer; equal to the given one where the others are zero."""
    small = DeepSpeech2(replace(network.shape, units=kept), network.dropout)
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    for layer in range(network.shape.layers):
        norms = group_norms(network.state_dict(), layer, network.shape.layers)
        alive = norms.argsort(descending=True)[:kept].sort().values
        for direction in DIRECTIONS:
            prefix = f"layers.{layer}.{direction}"
            for name in ("input_weight", "recurrent_weight", "bias"):
                weights[f"{prefix}.{name}"] = gate_rows(weights[f"{prefix}.{name}"])[:, alive].flatten(0, 1)
            weights[f"{prefix}.recurrent_weight"] = weights[f"{prefix}.recurrent_weight"][:, alive]
        for name in columns_after(layer, network.shape.layers):
            weights[name] = weights[name][:, alive]
        for name in ("weight", "bias", "running_mean", "running_var"):
            if f"norms.{layer}.{name}" in weights:
                weights[f"norms.{layer}.{name}"] = weights[f"norms.{layer}.{name}"][alive]
    small.load_state_dict(weights)
    return small
