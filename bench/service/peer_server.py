"""A minimal server around faster-whisper: python peer_server.py FOLDER PORT WORKERS THREADS. FOLDER is a Whisper as CTranslate2 writes it.

POST /transcribe takes the bytes of a recording, as quantlab's does. One model, WORKERS of its replicas at a time, each with THREADS.
"""

import io
import sys

import uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from faster_whisper import WhisperModel

folder, port, workers, threads = sys.argv[1:5]
model = WhisperModel(
    folder, device="cpu", compute_type="int8", cpu_threads=int(threads), num_workers=int(workers), local_files_only=True
)
app = FastAPI()


def hear(recording: bytes) -> str:
    segments, _ = model.transcribe(
        io.BytesIO(recording), language="en", beam_size=1, best_of=1, condition_on_previous_text=False, without_timestamps=True
    )
    return "".join(segment.text for segment in segments).strip()


@app.post("/transcribe")
async def transcribe(request: Request) -> dict:
    return {"text": await run_in_threadpool(hear, await request.body())}


@app.get("/readyz")
async def ready() -> dict:
    return {"status": "ok"}


uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")
