"""The compiled steps of recurrence.c as a differentiable function, where processor and compiler allow it."""

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
        status = load_library().lstm_forward(
            steps, rows, units, *(ctypes.c_void_p(t.data_ptr()) for t in (gates, packed, hidden, cells))
        )
        if status:
            raise MemoryError("recurrent steps: no memory for the step's buffer")
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
        status = load_library().lstm_backward(
            steps, rows, units, *(ctypes.c_void_p(t.data_ptr()) for t in (gradient, packed, cells, output_gradient))
        )
        if status:
            raise MemoryError("recurrent steps: no memory for the step's buffers")
        weight_gradient = gradient[1:].flatten(0, 1).t() @ hidden[:-1].flatten(0, 1)
        return gradient, weight_gradient
