"""ZeroMQ alone: PUSH to two PULL workers and from there to a PULL log; nothing is acknowledged."""

from __future__ import annotations

import multiprocessing

import zmq

from benchmarks.peers.job import WORKERS, Classifier, Log, Run


def _work(model: str, folder: str) -> None:
    classify, context = Classifier(model, folder), zmq.Context()
    frames, answers = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    frames.connect(f"ipc://{folder}/frames")
    answers.connect(f"ipc://{folder}/answers")
    while True:
        number, frame = frames.recv_multipart(copy=False)
        label, probability = classify(frame.buffer)
        answers.send(f"{int(number.bytes)},{label},{probability}".encode())


def _write(folder: str, log_path: str) -> None:
    log, answers = Log(log_path), zmq.Context().socket(zmq.PULL)
    answers.bind(f"ipc://{folder}/answers")
    while True:
        number, label, probability = answers.recv().decode().split(",")
        log.append(number, label, float(probability))


def main() -> None:
    with Run() as run:
        spawn, context = multiprocessing.get_context("spawn"), zmq.Context()
        frames = context.socket(zmq.PUSH)
        frames.bind(f"ipc://{run.folder}/frames")
        spawn.Process(target=_write, args=(run.folder, run.log_path), daemon=True).start()
        for _ in range(WORKERS):
            spawn.Process(target=_work, args=(run.model, run.folder), daemon=True).start()
        run.wait_for_workers()
        run.begin()
        for number in run.due():
            frames.send_multipart([str(number).encode(), run.frames[number]])
        run.wait_for_rows()


if __name__ == "__main__":
    main()
