"""The shapes of the models: what the project says of their sizes."""

import pytest
import torch

from architectures import MODELS, architecture_of, build, front_end_of, shape_from


def parameters(name: str) -> int:
    return sum(parameter.numel() for parameter in build(MODELS[name]).parameters())


def test_small_models_have_at_most_a_quarter_of_the_parameters():
    quarter = parameters("deepspeech2-lstm") / 4
    assert parameters("deepspeech2-student") < quarter
    assert 0.9 < parameters("deepspeech2-efficient") / parameters("deepspeech2-student") < 1.1


@pytest.mark.parametrize("name", ["deepspeech2-lstm", "deepspeech2-gru"])
def test_large_models_have_three_layers_of_384_units(name):
    assert MODELS[name].layers >= 3 and MODELS[name].units >= 384


@pytest.mark.parametrize("name", MODELS)
def test_shapes_survive_a_checkpoint(name):
    shape = MODELS[name]
    assert shape_from({"architecture": architecture_of(shape), "shape": shape.as_dict()}) == shape


def test_first_checkpoints_named_no_architecture():
    assert shape_from({"shape": {"channels": 16, "units": 384, "layers": 3}}) == MODELS["deepspeech2-lstm"]


@pytest.mark.parametrize("name", MODELS)
def test_gradients_reach_every_parameter_in_bfloat16(name):
    torch.manual_seed(0)
    small = {"units": 8, "channels": 8, "wide": 8, "kernels": (3, 5), "layers": 2, "width": 24, "encoder_layers": 2}
    shape = MODELS[name]
    shape = type(shape)(**{**shape.as_dict(), **{k: v for k, v in small.items() if k in shape.as_dict()}})
    network = build(shape, dropout=0.1).train()
    network.compute_dtype = torch.bfloat16
    output, lengths = network(torch.randn(2, 60, front_end_of(network).bins), torch.tensor([60, 41]))
    assert lengths.tolist() == network.output_lengths(torch.tensor([60, 41])).tolist()
    (output * torch.randn_like(output)).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.parameters())
