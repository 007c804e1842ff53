"""The line's job done in the way that comes to mind first: PUSH to PULL. It loses items.

    camera ── pictures ──> workers ── answers ──> sink ──> rows.csv

Every process is a dozen lines, and all goes well until one dies. Nobody acknowledges anything: a
message handed to a socket is forgotten by its sender, so what a process has received or is about
to send dies with it. With the default high-water mark that may be a thousand messages.

The belt, the pictures and the model are the line's own; `drill.naive_storm` starts the processes,
breaks them, starts them again and counts. Run as `python -m drill.naive ROLE INDEX FOLDER`.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import onnxruntime as ort
import zmq

from line.settings import Settings
from producers.arrivals import lane_arrivals
from producers.belt import BeltItem
from producers.photographer import Photographer
from producers.sources import open_source


def camera(folder: Path, lane: int) -> None:
    settings = Settings.model_validate_json((folder / "settings.json").read_bytes())
    speed = np.inf if settings.line.speed == "max" else settings.line.speed
    with closing(open_source(settings)) as source, zmq.Context() as context:
        photograph = Photographer(source, settings, lane)
        with context.socket(zmq.PUSH) as frames:
            frames.bind(f"ipc://{folder}/frames-{lane}")
            started = monotonic()
            for seq, due_s in enumerate(lane_arrivals(settings, lane, source.length)):
                picture = photograph(BeltItem(seq, due_s, due_s))
                sleep(max(0.0, started + due_s / speed - monotonic()))
                shape = json.dumps(picture.shape).encode()
                frames.send_multipart([f"{lane}-{seq}".encode(), shape, picture.tobytes()])


def worker(folder: Path, index: int) -> None:
    settings = Settings.model_validate_json((folder / "settings.json").read_bytes())
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    model = ort.InferenceSession(folder / "model.onnx", options)
    with zmq.Context() as context:
        frames, answers = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        for lane in range(settings.line.cameras):
            frames.connect(f"ipc://{folder}/frames-{lane}")
        answers.connect(f"ipc://{folder}/answers")
        while True:
            item, shape, picture = frames.recv_multipart()
            batch = np.frombuffer(picture, np.uint8).reshape(1, *json.loads(shape))
            probabilities = model.run(None, {model.get_inputs()[0].name: batch})[0]
            answers.send_multipart([item, str(np.argmax(probabilities)).encode()])


def sink(folder: Path, index: int) -> None:
    with zmq.Context() as context, (folder / "rows.csv").open("ab", buffering=0) as rows:
        answers = context.socket(zmq.PULL)
        answers.bind(f"ipc://{folder}/answers")
        while True:
            rows.write(b",".join(answers.recv_multipart()) + b"\n")


if __name__ == "__main__":
    role, index, folder = sys.argv[1:]
    {"camera": camera, "worker": worker, "sink": sink}[role](Path(folder), int(index))
