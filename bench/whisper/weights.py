"""The weights of a CTranslate2 folder (`model.bin`, version 6) by openai-whisper's names."""

import struct
from pathlib import Path

import numpy as np

TYPES = ["<f4", "i1", "<i2", "<i4", "<f2"]


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays as they are stored."""
    data = path.read_bytes()
    at = 4

    def number(form: str) -> int:
        nonlocal at
        (value,) = struct.unpack_from(form, data, at)
        at += struct.calcsize(form)
        return value

    def string() -> str:
        nonlocal at
        length = number("<H")
        at += length
        return data[at - length : at - 1].decode()

    string()
    number("<I")
    arrays = {}
    for _ in range(number("<I")):
        name = string()
        shape = [number("<I") for _ in range(number("<B"))]
        kind = TYPES[number("<B")]
        size = number("<I")
        arrays[name] = np.frombuffer(data[at : at + size], kind).reshape(shape)
        at += size
    return arrays


def whisper_weights(folder: Path) -> tuple[dict[str, int], dict[str, np.ndarray]]:
    """The sizes, and the weights in float32."""
    arrays = {name: value.astype(np.float32) for name, value in read_arrays(folder / "model.bin").items()}
    layers = 1 + max(int(name.split("_")[1].split("/")[0]) for name in arrays if name.startswith("encoder/layer_") and name[14].isdigit())
    heads, (width, bins, _) = int(arrays["encoder/num_heads"]), arrays["encoder/conv1/weight"].shape
    sizes = {
        "n_mels": bins, "n_audio_ctx": 1500, "n_audio_state": width, "n_audio_head": heads, "n_audio_layer": layers,
        "n_vocab": arrays["decoder/embeddings/weight"].shape[0], "n_text_ctx": 448, "n_text_state": width,
        "n_text_head": heads, "n_text_layer": layers,
    }  # fmt: skip
    state = {
        "encoder.positional_embedding": arrays["encoder/position_encodings/encodings"],
        "decoder.positional_embedding": arrays["decoder/position_encodings/encodings"],
        "decoder.token_embedding.weight": arrays["decoder/embeddings/weight"],
    }

    def norm(to: str, name: str) -> None:
        state[f"{to}.weight"], state[f"{to}.bias"] = arrays[f"{name}/gamma"], arrays[f"{name}/beta"]

    def linear(to: list[str], name: str) -> None:
        weights, biases = np.split(arrays[f"{name}/weight"], len(to)), np.split(arrays[f"{name}/bias"], len(to))
        for part, weight, bias in zip(to, weights, biases):
            state[f"{part}.weight"] = weight
            # A key's bias changes no softmax; whisper has none.
            if not part.endswith(".key"):
                state[f"{part}.bias"] = bias

    def attention(to: str, name: str, crossed: bool) -> None:
        parts = [f"{to}.{part}" for part in ("query", "key", "value", "out")]
        for index, group in enumerate([parts[:1], parts[1:3], parts[3:]] if crossed else [parts[:3], parts[3:]]):
            linear(group, f"{name}/linear_{index}")
        norm(f"{to}_ln", f"{name}/layer_norm")

    for conv in ("conv1", "conv2"):
        linear([f"encoder.{conv}"], f"encoder/{conv}")
    norm("encoder.ln_post", "encoder/layer_norm")
    norm("decoder.ln", "decoder/layer_norm")
    for side in ("encoder", "decoder"):
        for layer in range(layers):
            block, name = f"{side}.blocks.{layer}", f"{side}/layer_{layer}"
            attention(f"{block}.attn", f"{name}/self_attention", crossed=False)
            if side == "decoder":
                attention(f"{block}.cross_attn", f"{name}/attention", crossed=True)
            linear([f"{block}.mlp.0"], f"{name}/ffn/linear_0")
            linear([f"{block}.mlp.2"], f"{name}/ffn/linear_1")
            norm(f"{block}.mlp_ln", f"{name}/ffn/layer_norm")
    return sizes, state


def load_whisper(folder: Path):  # noqa: ANN201
    """openai-whisper's model with these weights."""
    import torch
    from whisper.model import ModelDimensions, Whisper

    sizes, state = whisper_weights(folder)
    model = Whisper(ModelDimensions(**sizes))
    model.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in state.items()})
    return model.eval()
