from __future__ import annotations

import io
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from line.errors import BadInput
from line.model.facts import FILE, ModelFacts
from line.outcome import Verdict
from line.run_files.review_file import QueuedItem
from sinks.csv_log import CsvLog
from sinks.overrides import ask, record
from sinks.review_queue import ReviewQueue
from tests.sinks.test_csv_log import outcome

CLASSES = ("glass", "metal", "paper")
QUEUED = ("0-2", "1-0", "0-7")
"""in the order of their triggers"""


@pytest.fixture
def run(tmp_path) -> Path:
    """A run folder with four rows, three of them queued for review."""
    facts = ModelFacts(path="tiny.onnx", sha256="ab" * 32, classes=CLASSES)
    (tmp_path / FILE).write_text(facts.model_dump_json())
    rows = [
        outcome(1),
        outcome(2),
        outcome(7, verdict=Verdict.LOW_CONFIDENCE),
        outcome(0, camera=1),
    ]
    with closing(CsvLog(tmp_path / "results.csv")) as log:
        log.store(list(rows))
    with ReviewQueue(tmp_path / "review") as queue:
        queue.add([waiting(frame_id, number) for number, frame_id in enumerate(QUEUED)])
    return tmp_path


def waiting(frame_id: str, number: int) -> QueuedItem:
    return QueuedItem(
        frame_id=frame_id,
        image=f"images/{frame_id}.png",
        predicted_class="glass",
        confidence=0.45,
        margin=0.1,
        top3="glass:0.4500|paper:0.3500|metal:0.2000",
        reason="margin",
        scheduled_s=float(number),
        picture_hash=number,
    )


def labels(run: Path) -> list[tuple[str, str, str]]:
    """Everything said, in order: (item, label, who)."""
    with closing(sqlite3.connect(run / "review" / "queue.sqlite")) as database:
        return database.execute(
            "SELECT frame_id, label, labelled_by FROM labels ORDER BY id"
        ).fetchall()


# -- single items --------------------------------------------------------------------------------


def test_a_queued_item_is_labelled(run):
    record(run, "0-2", "paper", "eva")

    assert labels(run) == [("0-2", "paper", "eva")]


def test_an_item_that_was_never_queued_may_be_labelled(run):
    record(run, "0-1", "metal", "eva")

    assert labels(run) == [("0-1", "metal", "eva")]


def test_a_second_thought_is_recorded_beside_the_first(run):
    record(run, "0-2", "paper", "eva")
    record(run, "0-2", "glass", "tom")

    assert labels(run) == [("0-2", "paper", "eva"), ("0-2", "glass", "tom")]
    with ReviewQueue(run / "review") as queue:
        assert queue.labels() == {"0-2": "glass"}


def test_a_label_that_is_no_class_of_the_run_is_refused_with_the_classes(run):
    with pytest.raises(BadInput, match=r"'wood' is not a class of this run \(glass, metal, paper"):
        record(run, "0-2", "wood", "eva")

    assert labels(run) == []


@pytest.mark.parametrize(
    "frame_id",
    ["0-9", "1-2", "0-", "0", "", "0-2,0", "frame_id", "0-22", " 0-2", "0-2\n"],
)
def test_an_item_that_the_run_does_not_hold_is_refused(run, frame_id):
    with pytest.raises(BadInput, match=r"has no item .* in results\.csv"):
        record(run, frame_id, "glass", "eva")

    assert labels(run) == []


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"not a run folder \(no results\.csv\)"):
        record(tmp_path, "0-1", "glass", "eva")

    assert list(tmp_path.iterdir()) == [], "nothing is made there"


@pytest.mark.parametrize("content", [None, "", "{}", "not JSON"])
def test_a_run_folder_without_readable_model_facts_is_refused(run, content):
    (run / FILE).unlink()
    if content is not None:
        (run / FILE).write_text(content)

    with pytest.raises(BadInput, match=r"model\.json"):
        record(run, "0-1", "glass", "eva")


# -- the whole queue -----------------------------------------------------------------------------


@pytest.fixture
def typed(monkeypatch):
    """Lets a test type lines; the end of input is what Ctrl-D sends."""

    def type_in(*lines: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))

    return type_in


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=100)


def text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_every_waiting_item_is_asked_for_in_the_order_of_the_belt(run, typed, console):
    typed("glass", "metal", "paper")

    assert ask(run, "eva", console) == 3

    assert labels(run) == [
        ("0-2", "glass", "eva"),
        ("1-0", "metal", "eva"),
        ("0-7", "paper", "eva"),
    ]
    assert "3 items wait for a label" in text(console)
    assert "3 items labelled" in text(console)


def test_return_skips_an_item(run, typed, console):
    typed("", "metal", "")

    assert ask(run, "eva", console) == 1
    assert labels(run) == [("1-0", "metal", "eva")]


def test_labelled_items_are_not_asked_for_again(run, typed, console):
    record(run, "1-0", "glass", "tom")
    typed("glass", "paper")

    assert ask(run, "eva", console) == 2
    assert [(item, label) for item, label, _ in labels(run)] == [
        ("1-0", "glass"),
        ("0-2", "glass"),
        ("0-7", "paper"),
    ]


def test_what_is_no_class_is_asked_for_again(run, typed, console):
    typed("wood", "glass")

    assert ask(run, "eva", console) == 1
    assert labels(run) == [("0-2", "glass", "eva")]


def test_the_end_of_input_ends_the_questions_and_keeps_the_labels(run, typed, console):
    typed("glass")

    assert ask(run, "eva", console) == 1
    assert "1 items labelled" in text(console)


def test_an_empty_queue_asks_nothing(run, typed, console):
    for frame_id in QUEUED:
        record(run, frame_id, "glass", "tom")
    typed()

    assert ask(run, "eva", console) == 0
    assert "0 items wait" in text(console)


def test_each_question_shows_where_the_picture_lies(run, typed, console):
    typed("glass")
    ask(run, "eva", console)

    flat = text(console).replace("\n", "")
    assert str(run / "review" / "images" / "0-2.png") in flat
    assert "glass:0.4500|paper:0.3500" in flat


def test_a_path_is_shown_as_it_is_whatever_its_brackets_mean_to_the_console(
    run, typed, console, tmp_path_factory
):
    odd = tmp_path_factory.mktemp("odd") / "[red]run[/red]"
    shutil.copytree(run, odd)
    typed("glass")
    ask(odd, "eva", console)

    assert str(odd) in text(console).replace("\n", "")


def test_a_folder_that_is_no_run_cannot_be_reviewed(tmp_path, console):
    with pytest.raises(BadInput, match="not a run folder"):
        ask(tmp_path, "eva", console)
