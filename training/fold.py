"""Fold every BatchNorm of a DeepSpeech2 into the weights beside it.

Fine-tuning that rounds weights must round those that are exported, in which the norms are folded: it starts from the
folded network and trains that.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from model import DeepSpeech2


def norm_scale_shift(norm: nn.Module, width: int) -> tuple[Tensor, Tensor]:
    """The scale and shift, float64 [width] each, that a BatchNorm in evaluation amounts to; nothing for Identity."""
    if isinstance(norm, nn.Identity):
        return torch.ones(width, dtype=torch.float64), torch.zeros(width, dtype=torch.float64)
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    return scale, norm.bias.double() - norm.running_mean.double() * scale


@torch.no_grad()
def fold(model: DeepSpeech2) -> DeepSpeech2:
    """A network without norms that computes the same as `model` in evaluation."""
    if model.shape.folded:
        return model
    folded = DeepSpeech2(replace(model.shape, folded=True), model.dropout)
    for old, new in zip(model.convolutions, folded.convolutions):
        scale, shift = norm_scale_shift(old.norm, len(old.convolution.weight))
        new.convolution.weight.copy_(old.convolution.weight * scale[:, None, None, None])
        new.convolution.bias.copy_(shift)
    width = model.layers[0].forward_direction.input_weight.shape[1]
    scale, shift = torch.ones(width, dtype=torch.float64), torch.zeros(width, dtype=torch.float64)
    for old_layer, new_layer, norm in zip(model.layers, folded.layers, model.norms):
        for old, new in zip(old_layer.children(), new_layer.children()):
            new.input_weight.copy_(old.input_weight * scale)
            new.recurrent_weight.copy_(old.recurrent_weight)
            new.bias.copy_(old.bias.double() + old.input_weight.double() @ shift)
        scale, shift = norm_scale_shift(norm, model.shape.units)
    folded.labels.weight.copy_(model.labels.weight * scale)
    folded.labels.bias.copy_(model.labels.bias.double() + model.labels.weight.double() @ shift)
    return folded
