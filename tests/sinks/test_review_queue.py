from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from line.errors import BadInput
from line.run_files.review_file import QueuedItem
from sinks.review_queue import ReviewQueue


def queued(seq: int, **facts: Any) -> QueuedItem:
    item = QueuedItem(
        frame_id=f"0-{seq}",
        image=f"images/0-{seq}.png",
        predicted_class="glass",
        confidence=0.45,
        margin=0.1,
        top3="glass:0.4500|paper:0.3500|metal:0.2000",
        reason="margin",
        scheduled_s=seq / 8,
        picture_hash=seq,
    )
    return replace(item, **facts)


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "review"


def test_opening_makes_the_folder_with_a_place_for_pictures(folder):
    with ReviewQueue(folder) as queue:
        assert queue.items() == []
        assert queue.labels() == {}

    assert (folder / "images").is_dir()
    assert (folder / "queue.sqlite").is_file()


def test_items_come_back_as_they_were_queued(folder):
    items = [queued(0), queued(1, picture_hash=-(2**63)), queued(2, picture_hash=2**63 - 1)]
    with ReviewQueue(folder) as queue:
        queue.add(items)

        assert queue.items() == items


def test_items_are_listed_in_the_order_of_their_triggers(folder):
    with ReviewQueue(folder) as queue:
        queue.add([queued(2), queued(0)])
        queue.add([queued(1)])

        assert [item.frame_id for item in queue.items()] == ["0-0", "0-1", "0-2"]


def test_the_first_entry_of_an_item_wins(folder):
    with ReviewQueue(folder) as queue:
        queue.add([queued(0)])
        queue.add([queued(0, reason="random"), queued(1)])

        assert queue.items() == [queued(0), queued(1)]


def test_a_reopened_queue_remembers_items_and_labels(folder):
    with ReviewQueue(folder) as queue:
        queue.add([queued(0)])
        queue.label("0-0", "paper", "eva")

    with ReviewQueue(folder) as queue:
        assert queue.items() == [queued(0)]
        assert queue.labels() == {"0-0": "paper"}


def test_the_last_label_counts_and_the_others_stay_on_record(folder):
    before = datetime.now(UTC) - timedelta(seconds=1)
    with ReviewQueue(folder) as queue:
        queue.label("0-0", "paper", "eva")
        queue.label("0-1", "glass", "eva")
        queue.label("0-0", "metal", "tom")
        assert queue.labels() == {"0-0": "metal", "0-1": "glass"}

    with closing(sqlite3.connect(folder / "queue.sqlite")) as database:
        history = database.execute(
            "SELECT frame_id, label, labelled_by FROM labels ORDER BY id"
        ).fetchall()
        (when,) = database.execute("SELECT min(labelled_at) FROM labels").fetchone()
    assert history == [("0-0", "paper", "eva"), ("0-1", "glass", "eva"), ("0-0", "metal", "tom")]
    assert before <= datetime.fromisoformat(when) <= datetime.now(UTC)


def test_an_item_need_not_be_queued_to_be_labelled(folder):
    with ReviewQueue(folder) as queue:
        queue.label("3-99", "glass", "eva")

        assert queue.labels() == {"3-99": "glass"}


def test_two_connections_see_each_others_entries(folder):
    with ReviewQueue(folder) as line, ReviewQueue(folder) as people:
        line.add([queued(0)])
        assert people.items() == [queued(0)]

        people.label("0-0", "paper", "eva")
        assert line.labels() == {"0-0": "paper"}


def at_once(count: int, work: Callable[[int], None]) -> None:
    """Run `work(0)`, `work(1)` … in threads that begin together."""
    barrier = Barrier(count)

    def begin(number: int) -> None:
        barrier.wait(10)
        work(number)

    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(begin, number) for number in range(count)]:
            future.result()


def test_people_label_while_the_line_writes(folder):
    with ReviewQueue(folder):
        pass

    def write(number: int) -> None:
        with ReviewQueue(folder) as queue:
            for seq in range(20):
                if number % 2:
                    queue.label(f"0-{seq}", "glass", f"person {number}")
                else:
                    queue.add([queued(1000 * number + seq)])

    at_once(4, write)

    with ReviewQueue(folder) as queue:
        assert len(queue.items()) == 40
        assert len(queue.labels()) == 20


def test_whoever_opens_a_fresh_queue_at_the_same_time_gets_in(tmp_path):
    for attempt in range(25):

        def label(number: int, folder: Path = tmp_path / f"review-{attempt}") -> None:
            with ReviewQueue(folder) as queue:
                queue.label(f"0-{number}", "glass", "eva")

        at_once(4, label)
        with ReviewQueue(tmp_path / f"review-{attempt}") as queue:
            assert len(queue.labels()) == 4


def test_a_kill_in_the_middle_leaves_whole_entries(folder):
    """A second connection is what the next incarnation is: nothing waits for a close."""
    with ReviewQueue(folder) as killed:
        killed.add([queued(0), queued(1)])
        with ReviewQueue(folder) as next_one:
            assert next_one.items() == [queued(0), queued(1)]


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("other")])
def test_what_is_no_file_is_named_and_not_opened(folder, make):
    folder.mkdir()
    make(folder / "queue.sqlite")

    with pytest.raises(BadInput, match=r"queue\.sqlite: is not a regular file"):
        ReviewQueue(folder)
    assert not (folder / "other").exists()


def test_a_queue_that_is_refused_leaves_no_descriptor(folder):
    (folder / "images").mkdir(parents=True)
    (folder / "queue.sqlite").write_bytes(b"no database at all" * 100)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(BadInput, match=r"queue\.sqlite: file is not a database"):
            ReviewQueue(folder)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
