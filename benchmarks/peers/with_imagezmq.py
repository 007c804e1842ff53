"""imagezmq, REQ to REP: two senders in step with two hubs; a hub answers with the result."""

from __future__ import annotations

import multiprocessing
from threading import Thread

import imagezmq

from benchmarks.peers.job import WORKERS, Classifier, Log, Run


def _answer(model: str, folder: str, index: int) -> None:
    hub = imagezmq.ImageHub(open_port=f"ipc://{folder}/hub{index}")
    classify = Classifier(model, folder)
    while True:
        number, frame = hub.recv_image()
        label, probability = classify(frame)
        hub.send_reply(f"{number},{label},{probability}".encode())


def _send(run: Run, log: Log, index: int) -> None:
    with imagezmq.ImageSender(connect_to=f"ipc://{run.folder}/hub{index}") as sender:
        for number in run.due(range(index, run.count, WORKERS)):
            reply = sender.send_image(str(number), run.frames[number, 0]).decode()
            name, label, probability = reply.split(",")
            log.append(name, label, float(probability))


def main() -> None:
    with Run() as run:
        spawn, log = multiprocessing.get_context("spawn"), Log(run.log_path)
        for index in range(WORKERS):
            hub = (run.model, run.folder, index)
            spawn.Process(target=_answer, args=hub, daemon=True).start()
        run.wait_for_workers()
        run.begin()
        for index in range(WORKERS):
            Thread(target=_send, args=(run, log, index), daemon=True).start()
        run.wait_for_rows()


if __name__ == "__main__":
    main()
