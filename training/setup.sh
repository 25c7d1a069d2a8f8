#!/usr/bin/env bash
# Makes the Python environment of training/ in training/.venv. Needs Python 3.11 or later.
# The synthesisers come from Debian: apt-get install espeak-ng flite
set -euo pipefail
cd "$(dirname "$0")"
python3 -m venv .venv
.venv/bin/pip install --requirement requirements.txt
