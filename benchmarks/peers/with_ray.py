"""Ray: two actors that are restarted, calls that are tried again, four calls an actor under way."""

from __future__ import annotations

from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

import ray

from benchmarks.peers.job import WORKERS, Classifier, Log, Run

_CALLS_AN_ACTOR = 4


class _Worker:
    def __init__(self, model: str, folder: str) -> None:
        self._classify = Classifier(model, folder)

    def classify(self, number: int, frame: Any) -> tuple[int, int, float]:
        label, probability = self._classify(frame)
        return number, label, probability


def main() -> None:
    with Run() as run:
        ray.init(
            num_cpus=WORKERS,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            _temp_dir=run.folder,
        )
        # Not written above the class: a type checker would not know what the decorator adds.
        actor = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=-1)(_Worker)
        workers = [actor.remote(run.model, run.folder) for _ in range(WORKERS)]
        ray.get([worker.classify.remote(0, run.frames[0]) for worker in workers])
        run.wait_for_workers()
        log, errors, free = Log(run.log_path), list[BaseException](), SimpleQueue[Any]()
        for worker in _CALLS_AN_ACTOR * workers:
            free.put(worker)

        def send(number: int, worker: Any) -> None:
            def written(answer: Future[tuple[int, int, float]]) -> None:
                error = answer.exception()
                if error is None:
                    log.append(*answer.result())
                else:
                    errors.append(error)
                free.put(worker)

            call = worker.classify.remote(number, run.frames[number])
            call.future().add_done_callback(written)

        run.begin()
        for number in run.due():
            send(number, free.get())
        for _ in range(_CALLS_AN_ACTOR * WORKERS):
            free.get()
        if errors:
            raise errors[0]


if __name__ == "__main__":
    main()
