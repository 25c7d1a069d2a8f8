"""What openai-whisper (20250625, PyTorch 2.15, float32, greedy) hears: the token ids that ours must equal.

The weights are those of a CTranslate2 folder (tiny.en), so that both read the same numbers:

    python make_tokens.py CT2_FOLDER MANIFEST.jsonl [MANIFEST.jsonl ...] > tokens.jsonl

tokens.jsonl.gz holds the ids of the 122 recordings of the LibriSpeech test set and of the 129 prompts of the hold-out.
Each line: id, `plain` (without timestamps), `timed` (with), mean log-probability and no-speech probability of `plain`.
With --texts the texts of `whisper.transcribe` (windows, fall-back) are written instead, for error rates.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile
import torch
import whisper
from whisper.model import ModelDimensions, Whisper


def read_arrays(path: Path) -> dict[str, np.ndarray]:
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
        kind = ["<f4", "i1", "<i2", "<i4", "<f2"][number("<B")]
        size = number("<I")
        arrays[name] = np.frombuffer(data[at : at + size], kind).reshape(shape)
        at += size
    return arrays


def load(folder: Path) -> Whisper:
    arrays = {name: torch.from_numpy(value.astype(np.float32)) for name, value in read_arrays(folder / "model.bin").items()}
    layers = 1 + max(int(name.split("_")[1].split("/")[0]) for name in arrays if name.startswith("encoder/layer_") and name[14].isdigit())
    heads, width = int(arrays["encoder/num_heads"]), arrays["encoder/conv1/weight"].shape[0]
    vocabulary = arrays["decoder/embeddings/weight"].shape[0]
    dims = ModelDimensions(arrays["encoder/conv1/weight"].shape[1], 1500, width, heads, layers, vocabulary, 448, width, heads, layers)
    state = {
        "encoder.positional_embedding": arrays["encoder/position_encodings/encodings"],
        "decoder.positional_embedding": arrays["decoder/position_encodings/encodings"],
        "decoder.token_embedding.weight": arrays["decoder/embeddings/weight"],
    }

    def norm(to: str, name: str) -> None:
        state[f"{to}.weight"], state[f"{to}.bias"] = arrays[f"{name}/gamma"], arrays[f"{name}/beta"]

    def linear(to: list[str], name: str) -> None:
        weights, biases = arrays[f"{name}/weight"].chunk(len(to)), arrays[f"{name}/bias"].chunk(len(to))
        for part, weight, bias in zip(to, weights, biases):
            state[f"{part}.weight"] = weight
            # A key's bias changes no softmax; whisper has none.
            if part.endswith(".key"):
                assert not bias.any()
            else:
                state[f"{part}.bias"] = bias

    def attention(to: str, name: str, crossed: bool) -> None:
        parts = [f"{to}.{part}" for part in ("query", "key", "value", "out")]
        groups = [parts[:1], parts[1:3], parts[3:]] if crossed else [parts[:3], parts[3:]]
        for index, group in enumerate(groups):
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
    model = Whisper(dims)
    model.load_state_dict(state)
    return model.eval()


def main(folder: str, *manifests: str, texts: bool) -> None:
    model = load(Path(folder))
    for manifest in map(Path, manifests):
        for line in manifest.read_text().splitlines():
            entry = json.loads(line)
            sound, rate = soundfile.read(manifest.parent / entry["audio_filepath"], dtype="float32")
            assert sound.ndim == 1
            if rate != 16_000:
                # What ours equals: src/speech/audio/resample.ts.
                sound = scipy.signal.resample_poly(sound.astype(np.float64), 16_000, rate).astype(np.float32)
            if texts:
                result = whisper.transcribe(model, sound, fp16=False, language="en")
                print(json.dumps({"id": entry["id"], "text": result["text"]}), flush=True)
                continue
            mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(sound), model.dims.n_mels)
            found = {}
            for name, without in (("plain", True), ("timed", False)):
                found[name] = whisper.decode(model, mel, fp16=False, language="en", without_timestamps=without)
            plain = found["plain"]
            print(
                json.dumps(
                    {
                        "id": entry["id"],
                        "plain": plain.tokens,
                        "timed": found["timed"].tokens,
                        "averageLogProbability": round(plain.avg_logprob, 4),
                        "noSpeech": round(plain.no_speech_prob, 5),
                    },
                    separators=(",", ":"),
                ),
                flush=True,
            )


if __name__ == "__main__":
    main(*(argument for argument in sys.argv[1:] if argument != "--texts"), texts="--texts" in sys.argv)
