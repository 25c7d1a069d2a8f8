"""Makes the modules of training/ importable however pytest is started."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import telemetry  # noqa: E402, F401
