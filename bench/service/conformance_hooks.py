"""What Schemathesis sends where a recording is asked for: real ones. Loaded by SCHEMATHESIS_HOOKS."""

import os
from collections.abc import MutableMapping
from pathlib import Path

import schemathesis
from hypothesis import strategies as st

# The schema can only say "bytes"; those that are no recording are refused, as the service's own tests show.
RECORDINGS = [path.read_bytes() for path in sorted(Path(os.environ["RECORDINGS"]).glob("a*.flac"))[:8]]

schemathesis.openapi.format("binary", st.sampled_from(RECORDINGS))
schemathesis.openapi.media_type("application/octet-stream", st.sampled_from(RECORDINGS))


@schemathesis.hook
def before_call(context, case, kwargs):
    """What no schema of one value can say: the recordings have one channel, and events carry no times."""
    for fields in (case.query, case.body):
        if not isinstance(fields, MutableMapping):
            continue
        channel = str(fields.get("channel"))
        if channel.isdigit() and 1 < int(channel) <= 256:
            fields["channel"] = 1
        if str(fields.get("stream")).lower() in ("true", "1") and fields.get("response_format") in ("srt", "verbose_json", "vtt"):
            fields["response_format"] = "json"
