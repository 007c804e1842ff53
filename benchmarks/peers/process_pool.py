"""A ProcessPoolExecutor of two: frames are pickled to it, the caller writes the rows."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

from benchmarks.peers.job import WORKERS, Classifier, Log, Run

_TOGETHER_S = 120.0
_own: list[Classifier] = []
"""of this process of the pool"""


def _set_up(model: str, folder: str, all_up: Any) -> None:
    _own.append(Classifier(model, folder))
    all_up.wait(_TOGETHER_S)


def _work(number: int, frame: Any) -> tuple[int, int, float]:
    label, probability = _own[0](frame)
    return number, label, probability


def main() -> None:
    with Run() as run:
        spawn = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(
            WORKERS, spawn, _set_up, (run.model, run.folder, spawn.Barrier(WORKERS))
        )
        log, errors = Log(run.log_path), list[BaseException]()

        def written(answer: Future[tuple[int, int, float]]) -> None:
            error = answer.exception()
            if error is None:
                log.append(*answer.result())
            else:
                errors.append(error)

        for warm in [pool.submit(_work, number, run.frames[0]) for number in range(WORKERS)]:
            warm.result()
        run.wait_for_workers()
        run.begin()
        for number in run.due():
            pool.submit(_work, number, run.frames[number]).add_done_callback(written)
        pool.shutdown()
        if errors:
            raise errors[0]


if __name__ == "__main__":
    main()
