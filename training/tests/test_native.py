"""The compiled recurrent steps against PyTorch's LSTM and our GRU in float32; skipped on processors that cannot run them."""

import pytest
import torch

import native
from recurrence import Direction, GRUDirection

UNITS = 64
BFLOAT16_ERROR = 0.02  # relative, of a chain of products with 8 bits of mantissa


@pytest.mark.skipif(not native.is_available(UNITS, torch.bfloat16), reason="needs AVX-512 BF16 and a C compiler")
@pytest.mark.parametrize("direction", [Direction, GRUDirection])
@pytest.mark.parametrize("rows", [1, 6, 13])
def test_outputs_and_gradients_equal_float32(rows, direction):
    torch.manual_seed(rows)
    layer = direction(32, UNITS)
    with torch.no_grad():
        for name, value in layer.named_parameters():
            if name.endswith("bias"):
                value.normal_()
    inputs, weighting = torch.randn(11, rows, 32), torch.randn(11, rows, UNITS)

    def differentiate(dtype):
        x = inputs.clone().requires_grad_()
        y = layer(x, dtype)
        return [y.float(), *torch.autograd.grad((y.float() * weighting).sum(), [x, *layer.parameters()])]

    expected = differentiate(torch.float32)
    for want, got in zip(expected, differentiate(torch.bfloat16), strict=True):
        assert (got.float() - want).norm() / want.norm() < BFLOAT16_ERROR


def test_other_sizes_and_types_are_left_to_pytorch():
    assert not native.is_available(UNITS, torch.float32)
    assert not native.is_available(UNITS + 8, torch.bfloat16)
