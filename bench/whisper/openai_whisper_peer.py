"""openai-whisper in PyTorch: python openai_whisper_peer.py FOLDER float32|int8 THREADS, FOLDER as CTranslate2 writes it.

`int8` is torch's `quantize_dynamic` of every linear layer.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import torch
import whisper
from torch import nn
from weights import load_whisper
from worker import serve_texts

folder, kind, threads = sys.argv[1:4]
torch.set_num_threads(int(threads))
model = load_whisper(Path(folder))
if kind == "int8":
    warnings.simplefilter("ignore")
    # torch looks a layer's class up, and whisper's is one of its own that only converts types.
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.__class__ = nn.Linear
    model = torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)
options = whisper.DecodingOptions(language="en", temperature=0, without_timestamps=True, fp16=False)


def hear(samples: np.ndarray) -> str:
    mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(samples), model.dims.n_mels)
    return whisper.decode(model, mel, options).text


serve_texts(hear, f"openai-whisper {whisper.__version__}, torch {torch.__version__}")
