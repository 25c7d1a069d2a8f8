"""What Schemathesis sends where a recording is asked for: real ones. Loaded by SCHEMATHESIS_HOOKS."""

import os
from pathlib import Path

import schemathesis
from hypothesis import strategies as st

# The schema can only say "bytes"; those that are no recording are refused, as the service's own tests show.
RECORDINGS = [path.read_bytes() for path in sorted(Path(os.environ["RECORDINGS"]).glob("a*.flac"))[:8]]

schemathesis.openapi.format("binary", st.sampled_from(RECORDINGS))
schemathesis.openapi.media_type("application/octet-stream", st.sampled_from(RECORDINGS))


@schemathesis.hook
def before_load_schema(context, schema):
    """What no schema of one value can say: the recordings have one channel, and events carry no times."""
    transcribe = schema["paths"]["/transcribe"]["post"]["parameters"]
    form = schema["paths"]["/v1/audio/transcriptions"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    form["properties"]["channel"]["maximum"] = 1
    next(one for one in transcribe if one["name"] == "channel")["schema"]["maximum"] = 1
    # A form has strings only: whatever is sent for a text is one.
    for name in ("prompt", "chunking_strategy"):
        form["properties"][name] = {}
    if os.environ["FORM"] == "times":
        del form["properties"]["stream"]
    else:
        form["properties"]["response_format"]["enum"] = ["json", "text"]
