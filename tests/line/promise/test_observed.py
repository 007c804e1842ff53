"""Which labels count for a bin, and what the line says of them while it runs."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from line.config import load
from line.model.facts import ModelFacts
from line.observe.status import Status
from line.observe.status_note import status_note
from line.outcome import Outcome, Verdict
from line.promise.observed import BinLabels
from line.run_files.review_file import NONE_OF_THESE, QueuedItem, ReviewFile
from line.run_files.review_rules import is_drawn
from line.run_files.said_labels import queued_answers
from line.settings import Settings
from reports.promises.figures import in_words, promise_figures
from sinks.promise_watch import PromiseWatch
from sinks.review_queue import ReviewQueue
from tests.sinks.test_alerts import Clock, alarms, opened, raised
from tests.sinks.test_csv_log import outcome

MODEL, OTHER = "ab" * 6, "cd" * 6


def settings_of(share: float = 0.5, purity: float = 0.9) -> Settings:
    promised = {
        "class_name": "glass",
        "purity": purity,
        "threshold": 0.8,
        "labels": 100,
        "reach": 90,
        "wrong": 1,
        "model": MODEL,
    }
    options = [("review.random_share", share), ("decision.threshold", 0.5)]
    settings = load(options=options, environment={})
    return settings.replaced({"decision": {"promised": [promised]}})


def ejected(seq: int, truth: str | None = None, **facts: Any) -> Outcome:
    verdict = Verdict.SORTED if truth in (None, "glass") else Verdict.MISSORTED
    return outcome(seq, **{"true_class": truth, "verdict": verdict, "model": MODEL, **facts})


def take(labels: BinLabels, *rows: Outcome) -> None:
    for row in rows:
        labels.take(row.frame_id, row.verdict, row.true_class, row.predicted_class, row.model)


def queue_with(folder: Path, seqs: range) -> None:
    """Items of those numbers wait for a label."""
    top3, image = "glass:0.9000", "images/x.png"
    with ReviewQueue(folder) as queue:
        queue.add(
            [
                QueuedItem(f"0-{n}", image, "glass", 0.9, 0.8, top3, "random", float(n), n)
                for n in seqs
            ]
        )


def label(folder: Path, said: dict[int, str]) -> None:
    with ReviewFile(folder) as file:
        for seq, name in said.items():
            file.label(f"0-{seq}", name, "me")


def counted(labels: BinLabels, folder: Path) -> tuple[int, int]:
    found = labels.observed(queued_answers(folder))["glass"]
    return found.right, found.wrong


def test_where_the_source_knows_the_class_every_item_in_the_bin_counts(tmp_path: Path) -> None:
    labels = BinLabels(settings_of())
    take(labels, *(ejected(n, "glass") for n in range(10)), ejected(10, "metal"))
    take(
        labels,
        ejected(11, "glass", verdict=Verdict.LOW_CONFIDENCE),
        ejected(12, "glass", verdict=Verdict.LATE),
        ejected(13, "metal", predicted_class="metal"),
        ejected(14, "metal", model=OTHER),
    )
    assert counted(labels, tmp_path) == (10, 1)


def test_of_peoples_labels_those_of_items_that_were_drawn_by_lot_count(tmp_path: Path) -> None:
    settings = settings_of(share=0.5)
    drawn = [n for n in range(40) if is_drawn(f"0-{n}", settings.review, settings.line.seed)]
    others = [n for n in range(40) if n not in drawn]
    labels = BinLabels(settings)
    take(labels, *map(ejected, range(40)))
    queue_with(tmp_path, range(40))
    label(tmp_path, dict.fromkeys(others, "metal"))
    assert counted(labels, tmp_path) == (0, 0), "these were in doubt, or somebody picked them"
    label(tmp_path, {drawn[0]: "glass", drawn[1]: "metal", drawn[2]: NONE_OF_THESE})
    assert counted(labels, tmp_path) == (1, 2)
    label(tmp_path, {drawn[1]: "glass"})
    assert counted(labels, tmp_path) == (2, 1), "the last word counts"
    with ReviewFile(tmp_path) as file:
        file.withdraw(file.label("0-99", "metal", "me"), "me")
    again = BinLabels(settings)
    again.restore(json.loads(json.dumps(labels.state())))
    assert counted(again, tmp_path) == (2, 1)


def test_a_label_of_an_item_that_was_never_queued_does_not_count(tmp_path: Path) -> None:
    settings = settings_of(share=1.0)
    labels = BinLabels(settings)
    take(labels, ejected(0), ejected(1))
    queue_with(tmp_path, range(1))
    label(tmp_path, {0: "glass", 1: "metal"})
    assert counted(labels, tmp_path) == (1, 0)


@pytest.mark.parametrize("state", [{}, {"known": {"tin": [1, 2, False]}, "bins": {}}, {"known": 3}])
def test_a_checkpoint_of_something_else_is_refused(state: Any) -> None:
    with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
        BinLabels(settings_of()).restore(state)


def test_a_promise_that_does_not_hold_is_an_alarm_once(tmp_path: Path) -> None:
    """Also after the sink was killed, with its last checkpoint and without one."""
    path, clock, settings = tmp_path / "alerts.jsonl", Clock(), settings_of()
    rows = [ejected(n, "glass" if n % 3 else "metal") for n in range(60)]

    def watch() -> PromiseWatch:
        return PromiseWatch(settings, tmp_path / "review", clock)

    def wait(alerts: Any) -> None:
        for _ in range(40):
            clock.now += 1
            alerts.turn()

    with closing(opened(path, clock=clock, promises=watch())) as alerts:
        alerts.take(rows[:12])
        wait(alerts)
        assert alarms(path) == []
        alerts.take(rows[12:])
        wait(alerts)
        (stands,) = alerts.report()[1]["standing"]
        (fact,) = alerts.report()[1]["promises"]
        state = json.loads(json.dumps(alerts.state()))
    assert (stands["kind"], stands["source"]) == ("promise_broken", "glass")
    assert (
        "90.0 % pure was promised, and of 60 labelled items in its bin 40 are right"
        in stands["text"]
    )
    assert (fact["right"], fact["labelled"], fact["is_broken"]) == (40, 60, True)
    for kept in (state, None):
        with closing(opened(path, kept, clock=clock, promises=watch())) as alerts:
            alerts.take([] if kept else rows)
            wait(alerts)
    assert alarms(path) == ["promise_broken-glass-1"]
    assert [line["kind"] for line in raised(path)].count("promise_broken") > 0


def test_the_status_says_how_a_promise_stands() -> None:
    status = Status(settings_of())
    facts = {"class_name": "glass", "purity": 0.9, "threshold": 0.8, "model": MODEL}
    status.promises = [{**facts, "right": 9, "labelled": 9, "is_broken": False}]
    assert [each["state"] for each in status_note(status)["promises"]] == ["stands"]
    status.drift = [{"source": "camera-0", "moved": []}, {"source": "camera-1", "moved": ["light"]}]
    assert [each["state"] for each in status_note(status)["promises"]] == ["suspended"]
    status.promises[0]["is_broken"] = True
    assert [each["state"] for each in status_note(status)["promises"]] == ["broken"]
    status.overrides.models[OTHER] = ModelFacts(path="o", sha256=OTHER[:2] * 32, classes=("glass",))
    status.overrides.model = OTHER
    assert [each["state"] for each in status_note(status)["promises"]] == ["another_model"]


def test_the_accounts_say_that_a_promise_is_suspended() -> None:
    settings = settings_of()
    labels = BinLabels(settings)
    take(labels, *(ejected(seq, "glass") for seq in range(9)))
    observed = labels.observed(())
    for has_drifted, state in ((False, "stands"), (True, "suspended")):
        (found,) = promise_figures(settings.decision, observed, has_drifted=has_drifted)
        assert found["state"] == state
        assert ("suspended: what comes is not as it was" in in_words(found)) == has_drifted
