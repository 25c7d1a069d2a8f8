"""The steps of one GRU direction on a processor, forward and backward.

PyTorch's own GRU has no oneDNN form and forms the weights' gradient step by step. Here a step does only what must be
sequential; the gradients of weights are one product over all steps.
"""

import torch
from torch import Tensor


class GRUSteps(torch.autograd.Function):
    """Outputs float32 [T, N, H] from what the inputs add to the gates [T, N, 3H], recurrent weights [3H, H] and bias [3H].

    Gates: reset, update, new; the reset gate works after the product (`linear_before_reset` in ONNX). Products with the
    recurrent weights are computed in the weights' type, everything else in float32.
    """

    @staticmethod
    def forward(context, gates: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        steps, rows, width = gates.shape
        units = width // 3
        turned, bias = weight.t().contiguous(), bias.float()
        sigmoids = gates.new_empty(steps, rows, 2 * units, dtype=torch.float32)
        news, products = (gates.new_empty(steps, rows, units, dtype=torch.float32) for _ in range(2))
        hidden = gates.new_zeros(steps + 1, rows, units, dtype=torch.float32)
        for step in range(steps):
            product = (hidden[step].to(weight.dtype) @ turned).float().add_(bias)
            torch.sigmoid(product[:, : 2 * units].add_(gates[step, :, : 2 * units]), out=sigmoids[step])
            reset, update = sigmoids[step].chunk(2, dim=1)
            products[step] = product[:, 2 * units :]
            torch.tanh(torch.addcmul(gates[step, :, 2 * units :].float(), reset, products[step]), out=news[step])
            torch.lerp(news[step], hidden[step], update, out=hidden[step + 1])
        context.save_for_backward(weight, sigmoids, news, products, hidden)
        return hidden[1:].clone()

    @staticmethod
    def backward(context, output_gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weight, sigmoids, news, products, hidden = context.saved_tensors
        steps, rows, units = news.shape
        reset, update = sigmoids[..., :units], sigmoids[..., units:]
        # Derivatives that need no gradient yet, for all steps at once.
        by_update = (hidden[:-1] - news) * update * (1 - update)
        by_new = (1 - update) * (1 - news.square())
        by_reset = products * reset * (1 - reset)
        inner = torch.empty(steps, rows, 3 * units)  # of the product with the recurrent weights
        news_gradient = torch.empty(steps, rows, units)
        carried = torch.zeros(rows, units)
        for step in reversed(range(steps)):
            gradient = carried.add_(output_gradient[step])
            new = torch.mul(gradient, by_new[step], out=news_gradient[step])
            torch.mul(new, by_reset[step], out=inner[step, :, :units])
            torch.mul(gradient, by_update[step], out=inner[step, :, units : 2 * units])
            torch.mul(new, reset[step], out=inner[step, :, 2 * units :])
            carried = (inner[step].to(weight.dtype) @ weight).float().addcmul_(gradient, update[step])
        gates_gradient = torch.cat([inner[..., : 2 * units], news_gradient], dim=2)
        flat = inner.flatten(0, 1)
        weight_gradient = flat.to(weight.dtype).t() @ hidden[:-1].flatten(0, 1).to(weight.dtype)
        return gates_gradient, weight_gradient, flat.sum(dim=0)
