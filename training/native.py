"""The compiled steps of recurrence.c as differentiable functions, where processor and compiler allow it."""

import ctypes
import functools
import subprocess
import tempfile
from pathlib import Path

import torch
from torch import Tensor

SOURCE = Path(__file__).with_name("recurrence.c")
BLOCK = 64  # outputs a block of a packed matrix, as in recurrence.c


@functools.cache
def load_library() -> ctypes.CDLL | None:
    """The compiled library, or None without AVX-512 BF16 or without a C compiler."""
    if "avx512_bf16" not in Path("/proc/cpuinfo").read_text():
        return None
    # Opened before its folder goes: the loaded code stays.
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "recurrence.so"
        command = ["cc", "-O3", "-march=native", "-shared", "-fPIC", str(SOURCE), "-o", str(output)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return ctypes.CDLL(str(output))


def is_available(units: int, dtype: torch.dtype) -> bool:
    """Whether `units` and `dtype` can be computed by the compiled steps on this machine."""
    return dtype == torch.bfloat16 and units % BLOCK == 0 and load_library() is not None


def pack(matrix: Tensor) -> Tensor:
    """A matrix bfloat16 [inputs, outputs] in the order of recurrence.c: [outputs / 64, inputs / 2, 64, 2]."""
    inputs, outputs = matrix.shape
    return matrix.view(inputs // 2, 2, outputs // BLOCK, BLOCK).permute(2, 0, 3, 1).contiguous()


def call(function: str, steps: int, rows: int, units: int, *tensors: Tensor) -> None:
    """Run a function of recurrence.c on contiguous tensors."""
    status = getattr(load_library(), function)(steps, rows, units, *(ctypes.c_void_p(t.data_ptr()) for t in tensors))
    if status:
        raise MemoryError(f"{function}: no memory for the buffers of a step")


class RecurrentSteps(torch.autograd.Function):
    """Outputs bfloat16 [T, N, H] from what the inputs add to the gates [T, N, 4H] and recurrent weights [4H, H]."""

    @staticmethod
    def forward(context, gates: Tensor, weight: Tensor) -> Tensor:
        steps, rows, width = gates.shape
        units = width // 4
        gates = gates.contiguous().clone()
        hidden = gates.new_empty(steps, rows, units)
        cells = torch.empty(steps, rows, units)
        packed = pack(weight.t().contiguous())
        call("lstm_forward", steps, rows, units, gates, packed, hidden, cells)
        context.save_for_backward(gates, weight, hidden, cells)
        return hidden

    @staticmethod
    def backward(context, output_gradient: Tensor) -> tuple[Tensor, Tensor]:
        gates, weight, hidden, cells = context.saved_tensors
        steps, rows, width = gates.shape
        units = width // 4
        gradient = gates.clone()
        output_gradient = output_gradient.contiguous()
        packed = pack(weight.contiguous())
        call("lstm_backward", steps, rows, units, gradient, packed, cells, output_gradient)
        weight_gradient = gradient[1:].flatten(0, 1).t() @ hidden[:-1].flatten(0, 1)
        return gradient, weight_gradient


class RecurrentGRUSteps(torch.autograd.Function):
    """Outputs bfloat16 [T, N, H] from what the inputs add to the gates [T, N, 3H], recurrent weights [3H, H] and their bias [3H]."""

    @staticmethod
    def forward(context, gates: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        steps, rows, width = gates.shape
        units = width // 3
        gates = gates.contiguous().clone()
        hidden, products = (gates.new_empty(steps, rows, units) for _ in range(2))
        packed = pack(weight.t().contiguous())
        call("gru_forward", steps, rows, units, gates, packed, bias.float().contiguous(), products, hidden)
        context.save_for_backward(gates, weight, products, hidden)
        return hidden

    @staticmethod
    def backward(context, output_gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gates, weight, products, hidden = context.saved_tensors
        steps, rows, width = gates.shape
        gradient, inner = gates.clone(), torch.empty_like(gates)
        packed = pack(weight.contiguous())
        call("gru_backward", steps, rows, width // 3, gradient, packed, products, hidden, output_gradient.contiguous(), inner)
        weight_gradient = inner[1:].flatten(0, 1).t() @ hidden[:-1].flatten(0, 1)
        return gradient, weight_gradient, inner.flatten(0, 1).float().sum(dim=0)
