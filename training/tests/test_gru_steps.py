"""The steps of a GRU against PyTorch's own."""

import pytest
import torch
from torch import nn

from recurrence import BidirectionalGRU, GRUDirection, reversal_index


@pytest.mark.parametrize("rows", [1, 5])
def test_outputs_and_gradients_equal_pytorch(rows):
    torch.manual_seed(rows)
    layer, reference = GRUDirection(6, 8).train(), nn.GRU(6, 8)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.4)
    with torch.no_grad():
        for name, value in zip(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"), layer.parameters()):
            getattr(reference, name).copy_(value)
    x, weighting = torch.randn(11, rows, 6, requires_grad=True), torch.randn(11, rows, 8)
    expected, _ = reference(x)
    got = layer(x, torch.float32)
    assert torch.allclose(got, expected, atol=1e-5)
    wanted = torch.autograd.grad((expected * weighting).sum(), [x, *reference.parameters()])
    gradients = torch.autograd.grad((got * weighting).sum(), [x, *layer.parameters()])
    for want, gradient in zip(wanted, gradients, strict=True):
        assert torch.allclose(gradient, want, atol=1e-4)


def test_bidirectional_layer_equals_the_sum_of_a_packed_gru():
    torch.manual_seed(0)
    lengths = torch.tensor([9, 6, 2])
    x, layer, reference = torch.randn(9, 3, 5), BidirectionalGRU(5, 7).train(), nn.GRU(5, 7, bidirectional=True)
    with torch.no_grad():
        for suffix, direction in (("", layer.forward_direction), ("_reverse", layer.backward_direction)):
            for name, value in zip(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"), direction.parameters()):
                getattr(reference, f"{name}{suffix}").copy_(value)
        packed, _ = reference(nn.utils.rnn.pack_padded_sequence(x, lengths))
        expected = sum(nn.utils.rnn.pad_packed_sequence(packed)[0].chunk(2, dim=2))
        got = layer(x, reversal_index(lengths, 9), torch.float32)
    for column, length in enumerate(lengths):
        assert torch.allclose(got[:length, column], expected[:length, column], atol=1e-5)
