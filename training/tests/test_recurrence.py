"""The bidirectional layer against PyTorch's own LSTM over packed sequences."""

import torch
from torch import nn

from recurrence import BidirectionalLSTM, reversal_index


def test_reversal_stays_within_each_length():
    index = reversal_index(torch.tensor([3, 5]), 5)
    assert index[:, 0].tolist() == [2, 1, 0, 3, 4]
    assert index[:, 1].tolist() == [4, 3, 2, 1, 0]


def test_equals_a_packed_lstm_of_pytorch():
    torch.manual_seed(0)
    inputs, units = 5, 7
    lengths = torch.tensor([9, 6, 2])
    x = torch.randn(9, 3, inputs)
    layer = BidirectionalLSTM(inputs, units)
    reference = nn.LSTM(inputs, units, bidirectional=True)
    with torch.no_grad():
        for suffix, direction in (("", layer.forward_direction), ("_reverse", layer.backward_direction)):
            getattr(reference, f"weight_ih_l0{suffix}").copy_(direction.input_weight)
            getattr(reference, f"weight_hh_l0{suffix}").copy_(direction.recurrent_weight)
            getattr(reference, f"bias_ih_l0{suffix}").copy_(direction.bias)
            getattr(reference, f"bias_hh_l0{suffix}").zero_()
        packed, _ = reference(nn.utils.rnn.pack_padded_sequence(x, lengths))
        expected, _ = nn.utils.rnn.pad_packed_sequence(packed)
        got = layer(x, reversal_index(lengths, 9), torch.float32)
    for column, length in enumerate(lengths):
        both = expected[:length, column, :units] + expected[:length, column, units:]
        assert torch.allclose(got[:length, column], both, atol=1e-5)
