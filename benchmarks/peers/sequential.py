"""The loop of most examples: one process, a session of two spinning threads, no transport."""

from __future__ import annotations

from benchmarks.peers.job import WORKERS, Classifier, Log, Run


def main() -> None:
    with Run() as run:
        classify = Classifier(run.model, run.folder, threads=WORKERS, spin=True)
        log = Log(run.log_path)
        run.begin()
        for number in run.due():
            log.append(number, *classify(run.frames[number]))


if __name__ == "__main__":
    main()
