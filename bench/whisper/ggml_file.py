"""Writes a Whisper for whisper.cpp: python ggml_file.py FOLDER OUT.bin q8_0|q5_0, FOLDER as CTranslate2 writes it.

The layout is that of whisper.cpp's `models/convert-pt-to-ggml.py`, the blocks those of ggml's `quantize_row_q8_0_ref` and
`quantize_row_q5_0_ref`; as its `quantize` does, matrices are quantized, convolutions stay half precision, positions float32.
"""

import base64
import struct
import sys
from pathlib import Path

import numpy as np
import whisper
from weights import whisper_weights

BLOCK = 32
# Numbers of ggml: of the kind of file, and of the type of a tensor.
FILE_KINDS = {"q8_0": 2007, "q5_0": 2008}
FLOAT32, FLOAT16, Q5_0, Q8_0 = 0, 1, 6, 8
IN_FLOAT32 = {"encoder.conv1.bias", "encoder.conv2.bias", "encoder.positional_embedding", "decoder.positional_embedding"}


def q8_0(values: np.ndarray) -> bytes:
    """Blocks of 32: the scale in half precision, 32 int8."""
    blocks = values.reshape(-1, BLOCK)
    scale = np.abs(blocks).max(1, keepdims=True) / 127
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale != 0)
    scaled = blocks * inverse
    integers = (np.sign(scaled) * np.floor(np.abs(scaled) + 0.5)).astype(np.int8)
    return np.concatenate([scale.astype("<f2").view(np.uint8), integers.view(np.uint8)], 1).tobytes()


def q5_0(values: np.ndarray) -> bytes:
    """Blocks of 32: the scale in half precision, 32 fifth bits, 16 bytes of two lower halves each."""
    blocks = values.reshape(-1, BLOCK)
    place = np.abs(blocks).argmax(1)[:, None]
    scale = np.take_along_axis(blocks, place, 1) / -16
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale != 0)
    integers = np.minimum(31, (blocks * inverse + np.float32(16.5)).astype(np.int8)).astype(np.uint8)
    low, high = integers[:, :16], integers[:, 16:]
    nibbles = (low & 15) | ((high & 15) << 4)
    bits = np.packbits((integers >> 4) & 1, axis=1, bitorder="little")
    return np.concatenate([scale.astype("<f2").view(np.uint8), bits, nibbles], 1).tobytes()


def main(folder: Path, out: Path, kind: str) -> None:
    sizes, state = whisper_weights(folder)
    assets = Path(whisper.__file__).parent / "assets"
    filters = np.load(assets / "mel_filters.npz")[f"mel_{sizes['n_mels']}"].astype(np.float32)
    # The English models have one token fewer: whisper.cpp tells them by their number.
    name = "gpt2" if sizes["n_vocab"] < 51865 else "multilingual"
    tokens = [base64.b64decode(line.split()[0]) for line in (assets / f"{name}.tiktoken").read_bytes().splitlines() if line]
    order = ("n_vocab", "n_audio_ctx", "n_audio_state", "n_audio_head", "n_audio_layer", "n_text_ctx", "n_text_state", "n_text_head", "n_text_layer", "n_mels")
    with out.open("wb") as file:
        file.write(struct.pack("<12i", 0x67676D6C, *(sizes[key] for key in order), FILE_KINDS[kind]))
        file.write(struct.pack("<2i", *filters.shape) + filters.tobytes())
        file.write(struct.pack("<i", len(tokens)))
        for token in tokens:
            file.write(struct.pack("<i", len(token)) + token)
        for key, value in state.items():
            if key in ("encoder.conv1.bias", "encoder.conv2.bias"):
                value = value[:, None]
            quantized = value.ndim == 2 and key not in IN_FLOAT32
            if quantized:
                code, data = (Q8_0, q8_0(value)) if kind == "q8_0" else (Q5_0, q5_0(value))
            elif value.ndim == 3:
                code, data = FLOAT16, value.astype("<f2").tobytes()
            else:
                code, data = FLOAT32, value.astype("<f4").tobytes()
            encoded = key.encode()
            file.write(struct.pack("<3i", value.ndim, len(encoded), code))
            file.write(struct.pack(f"<{value.ndim}i", *reversed(value.shape)) + encoded + data)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
