"""The limit: processes that loop over frames they hold already; rows are written after the loop."""

from __future__ import annotations

import multiprocessing
from statistics import mean, median
from time import monotonic, sleep
from typing import Any

from benchmarks.peers.job import WORKERS, Classifier, Log, Run, make_frames

_ALIVE_S = 60.0
"""Until the driver has read the processor time."""


def _loop(model: str, folder: str, log_path: str, ids: range, rate: float, pipes: Any) -> None:
    go, done = pipes
    classify, frames = Classifier(model, folder), make_frames(ids.stop)
    start = go.get()
    rows, lasted_ms = [], []
    for number in ids:
        if rate:
            sleep(max(0.0, start + number / rate - monotonic()))
        before = monotonic()
        label, probability = classify(frames[number])
        rows.append((number, label, probability, monotonic()))
        lasted_ms.append(1e3 * (rows[-1][3] - before))
    done.put(median(lasted_ms))
    log = Log(log_path)
    for row in rows:
        log.append(*row)
    sleep(_ALIVE_S)


def main(processes: int = WORKERS) -> None:
    with Run() as run:
        spawn = multiprocessing.get_context("spawn")
        pipes = spawn.SimpleQueue(), spawn.SimpleQueue()
        for first in range(processes):
            ids = range(first, run.count, processes)
            task = (run.model, run.folder, run.log_path, ids, run.task.rate, pipes)
            spawn.Process(target=_loop, args=task, daemon=True).start()
        run.wait_for_workers(processes)
        start = run.begin()
        for _ in range(processes):
            pipes[0].put(start)
        run.facts["inference_ms"] = mean(pipes[1].get() for _ in range(processes))
        run.wait_for_rows()


if __name__ == "__main__":
    main()
