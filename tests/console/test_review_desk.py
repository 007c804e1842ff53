"""The review queue as people label it: two at once, second thoughts, exports for the trainer."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from xml.etree import ElementTree

import pytest

from console.review_page.desk import Desk
from console.review_page.export_formats import (
    label_studio,
    labelling_interface,
    write_folder,
    write_zip,
)
from console.review_page.item_leases import LEASE_S, Wanted
from console.review_page.question import KEYS
from line.errors import BadInput
from line.run_files.review_file import NONE_OF_THESE
from sinks.review_queue import ReviewQueue
from tests.made_run import make_run, waiting


@pytest.fixture
def run(tmp_path) -> Path:
    return make_run(tmp_path / "friday")


def said(run: Path) -> list[tuple[str, str, str]]:
    with ReviewQueue(run / "review") as queue:
        return [(label.frame_id, label.label, label.who) for label in queue.history()]


def taken(desk: Desk) -> str | None:
    question = desk.take_next()
    return question and question.frame_id


def answer(desk: Desk, label: str) -> str | None:
    assert desk.question is not None
    question = desk.answer(desk.question.frame_id, label)
    return question and question.frame_id


# -- one person ----------------------------------------------------------------------------------


def test_the_most_doubtful_item_comes_first_with_all_that_is_known_of_it(run):
    question = Desk(run, "eva").take_next()

    assert question is not None
    assert (question.frame_id, question.image) == ("0-1", "images/0-1.png")
    assert question.ranking == (("glass", 0.45), ("paper", 0.35), ("metal", 0.2))
    assert (question.guess, question.reason, question.margin) == ("glass", "margin", 0.01)


def test_a_label_stands_in_the_file_with_who_and_when(run):
    desk = Desk(run, "eva")
    desk.take_next()

    assert answer(desk, "paper") == "0-2"
    with closing(sqlite3.connect(run / "review/queue.sqlite")) as db:
        ((*label, when),) = db.execute(
            "SELECT frame_id, label, labelled_by, labelled_at FROM labels"
        ).fetchall()
    assert label == ["0-1", "paper", "eva"]
    assert when.endswith("+00:00")


def test_when_all_are_decided_there_is_nothing_left(run):
    desk = Desk(run, "eva")
    desk.take_next()
    while desk.question:
        answer(desk, "glass")

    progress = desk.progress()
    assert (progress.queued, progress.decided, progress.by_person) == (6, 6, {"eva": 6})
    assert [label.frame_id for label in progress.latest] == [f"0-{n}" for n in range(6, 0, -1)]


def test_items_passed_over_come_again_when_the_others_are_done(run):
    desk = Desk(run, "eva")
    desk.look_for(Wanted(predicted_class="metal"), revisit=False)
    assert desk.pass_over("0-1").frame_id == "0-4"
    assert answer(desk, "metal") == "0-1"


@pytest.mark.parametrize(
    ("wanted", "first"),
    [
        (Wanted(predicted_class="paper"), "0-2"),
        (Wanted(reason="random"), "0-4"),
        (Wanted(predicted_class="paper", reason="random"), None),
    ],
)
def test_only_what_is_looked_for_is_given(run, wanted, first):
    question = Desk(run, "eva").look_for(wanted, revisit=False)

    assert (question and question.frame_id) == first


def test_what_is_unlike_what_the_model_was_made_of_is_asked_about_first(run):
    with closing(sqlite3.connect(run / "review" / "queue.sqlite")) as queue, queue:
        queue.execute("UPDATE items SET reason = 'novelty' WHERE frame_id IN ('0-4', '0-5')")
    desk = Desk(run, "eva")
    desk.take_next()
    asked = [desk.question.frame_id, answer(desk, "glass"), answer(desk, "glass")]

    assert asked == ["0-4", "0-5", "0-1"]


def test_a_second_press_of_a_key_does_not_label_the_next_picture(run):
    desk = Desk(run, "eva")
    desk.take_next()
    desk.answer("0-1", "paper")
    desk.answer("0-1", "paper")

    assert said(run) == [("0-1", "paper", "eva")]


def test_undo_takes_labels_back_one_by_one_and_leaves_them_on_record(run):
    desk = Desk(run, "eva")
    desk.take_next()
    answer(desk, "paper")
    answer(desk, "metal")

    assert desk.undo().frame_id == "0-2"
    assert desk.undo().frame_id == "0-1"
    assert not desk.can_undo
    assert desk.undo().frame_id == "0-1", "there is no more to take back"
    assert said(run) == []
    with closing(sqlite3.connect(run / "review/queue.sqlite")) as db:
        assert db.execute("SELECT count(*) FROM labels").fetchone() == (2,)
        assert db.execute("SELECT DISTINCT withdrawn_by FROM withdrawn").fetchall() == [("eva",)]
    assert answer(desk, "glass") == "0-2", "what was taken back is asked for again"


def test_undo_takes_back_ones_own_label_only(run):
    eva, tom = Desk(run, "eva"), Desk(run, "tom")
    eva.look_at("0-3")
    eva.answer("0-3", "glass")
    tom.look_at("0-3")
    tom.answer("0-3", "metal")
    eva.undo()

    assert said(run) == [("0-3", "metal", "tom")]


def test_what_is_decided_can_be_gone_through_again_newest_first(run):
    desk = Desk(run, "eva")
    for seq, label in ((2, "glass"), (1, "metal"), (3, "paper")):
        desk.look_at(f"0-{seq}")
        desk.answer(f"0-{seq}", label)

    assert desk.look_for(Wanted(), revisit=True).frame_id == "0-3"
    assert desk.question.decided == "paper"
    assert desk.pass_over("0-3").frame_id == "0-1"
    assert answer(desk, "glass") == "0-2"
    assert said(run)[-1] == ("0-1", "glass", "eva")


def test_any_item_of_the_run_can_be_overridden(run):
    desk = Desk(run, "eva")
    question = desk.look_at("0-8")

    assert question.image is None, "only queued items keep their picture"
    assert question.reason == "sorted"
    desk.answer("0-8", "metal")
    assert said(run) == [("0-8", "metal", "eva")]
    assert desk.progress().decided == 0, "it was not part of the queue"


@pytest.mark.parametrize("frame_id", ["0-9", "", "../0-1", "<b>", "0-1' OR 1=1"])
def test_an_item_that_the_run_has_not_is_refused(run, frame_id):
    desk = Desk(run, "eva")
    desk.take_next()
    with pytest.raises(BadInput, match="has no item"):
        desk.look_at(frame_id)

    assert desk.question.frame_id == "0-1", "what was there stays"


def test_a_label_that_is_no_class_is_refused_and_the_item_stays(run):
    desk = Desk(run, "eva")
    desk.take_next()
    with pytest.raises(BadInput, match=r"'wood' is not a class of this run \(glass, metal, paper"):
        desk.answer("0-1", "wood")

    assert desk.question.frame_id == "0-1"
    assert said(run) == []


def test_a_folder_that_is_no_run_has_no_desk(tmp_path):
    with pytest.raises(BadInput, match="not a run folder"):
        Desk(tmp_path, "eva")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_queue_is_named(run):
    desk = Desk(run, "eva")
    (run / "review/queue.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(BadInput, match=r"queue\.sqlite"):
        desk.take_next()


# -- several people ------------------------------------------------------------------------------


def test_two_people_are_never_given_the_same_item(run):
    eva, tom = Desk(run, "eva"), Desk(run, "tom")

    assert (taken(eva), taken(tom)) == ("0-1", "0-2")
    assert (answer(eva, "glass"), answer(tom, "paper")) == ("0-3", "0-4")


def test_many_who_ask_at_the_same_moment_share_the_queue_without_overlap(run):
    desks = [Desk(run, f"person {number}") for number in range(3)]
    barrier = Barrier(len(desks))

    def work(desk: Desk) -> None:
        barrier.wait(10)
        desk.take_next()
        while desk.question:
            answer(desk, "glass")

    with ThreadPoolExecutor(len(desks)) as pool:
        list(pool.map(work, desks))

    assert sorted(frame_id for frame_id, *_ in said(run)) == [f"0-{n}" for n in range(1, 7)]


def test_whoever_leaves_lets_go(run):
    eva, tom = Desk(run, "eva"), Desk(run, "tom")
    eva.take_next()
    eva.leave()

    assert taken(tom) == "0-1"


@pytest.fixture
def clock(monkeypatch) -> Callable[[float], None]:
    """Moves the leases' clock."""
    from console.review_page import item_leases

    now = item_leases.time()
    moved = [0.0]
    monkeypatch.setattr(item_leases, "time", lambda: now + moved[0])
    return lambda seconds: moved.__setitem__(0, moved[0] + seconds)


def test_a_lease_ends_by_time(run, clock):
    eva, tom = Desk(run, "eva"), Desk(run, "tom")
    eva.take_next()
    clock(LEASE_S + 1)

    assert taken(tom) == "0-1"


def test_a_lease_lasts_as_long_as_its_holder_stays(run, clock):
    eva, tom = Desk(run, "eva"), Desk(run, "tom")
    eva.take_next()
    clock(LEASE_S - 1)
    eva.stay()
    clock(LEASE_S - 1)

    assert taken(tom) == "0-2"


def test_a_clock_that_was_set_back_holds_nobody_up(run, clock):
    eva, tom = Desk(run, "eva"), Desk(run, "tom")
    eva.take_next()
    clock(-10 * LEASE_S)

    assert taken(tom) == "0-1"


def test_people_label_while_the_line_queues(run):
    desk = Desk(run, "eva")
    with ReviewQueue(run / "review") as line:
        desk.take_next()
        line.add([replace(waiting(7), margin=0.0)])
        assert answer(desk, "glass") == "0-7", "new and more doubtful than the rest"


# -- exports -------------------------------------------------------------------------------------


@pytest.fixture
def labelled(run) -> Path:
    desk = Desk(run, "eva")
    for frame_id, label in (
        ("0-1", "paper"),
        ("0-2", "glass"),
        ("0-2", "metal"),
        ("0-3", NONE_OF_THESE),
        ("0-8", "glass"),
        ("0-4", "paper"),
    ):
        desk.look_at(frame_id)
        desk.answer(frame_id, label)
    desk.undo()
    return run


def test_the_zip_file_holds_class_folders_and_who_said_so(labelled):
    content = io.BytesIO()
    assert write_zip(labelled, content) == 2

    with zipfile.ZipFile(content) as archive:
        assert archive.namelist() == [
            "paper/friday-0-1.png",
            "metal/friday-0-2.png",
            "labels.csv",
        ]
        original = (labelled / "review/images/0-1.png").read_bytes()
        assert archive.read("paper/friday-0-1.png") == original
        rows = list(csv.DictReader(io.StringIO(archive.read("labels.csv").decode())))
    assert [(row["frame"], row["label"], row["picture"], row["who"]) for row in rows] == [
        ("friday/0-1", "paper", "paper/friday-0-1.png", "eva"),
        ("friday/0-2", "metal", "metal/friday-0-2.png", "eva"),
        ("friday/0-3", NONE_OF_THESE, "", "eva"),
        ("friday/0-8", "glass", "", "eva"),
    ]


def test_the_folder_is_written_anew_each_time(labelled):
    folder = write_folder(labelled)
    desk = Desk(labelled, "eva")
    desk.look_at("0-1")
    desk.answer("0-1", "glass")

    assert write_folder(labelled) == folder == labelled / "review/labelled"
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*")) == [
        "glass/friday-0-1.png",
        "labels.csv",
        "metal/friday-0-2.png",
    ]
    assert not list(labelled.glob("review/.labelled-*"))


@pytest.mark.parametrize("label", ["../..", "/etc", ".hidden", "a/b", ""])
def test_a_class_that_can_be_no_folder_stops_the_export(run, label):
    with ReviewQueue(run / "review") as queue:
        queue.label("0-1", label, "somebody with the file in hand")
    before = sorted(run.parent.rglob("*"))

    with pytest.raises(BadInput, match="cannot name a folder"):
        write_folder(run)
    assert sorted(run.parent.rglob("*")) == before


def test_a_picture_that_is_named_outside_the_queue_is_left_out(run, tmp_path):
    shutil.copy(run / "review/images/0-1.png", tmp_path / "secret.png")
    with ReviewQueue(run / "review") as queue:
        queue.add([replace(waiting(7), image="../../secret.png")])
    desk = Desk(run, "eva")
    desk.look_at("0-7")
    desk.answer("0-7", "glass")

    assert write_zip(run, io.BytesIO()) == 0


def test_label_studio_gets_labels_and_open_tasks(labelled):
    tasks = {task["data"]["frame"]: task for task in json.loads(label_studio(labelled))}

    assert len(tasks) == 6
    choices = [
        annotation["result"][0]["value"]["choices"]
        for annotation in tasks["friday/0-2"]["annotations"]
    ]
    assert choices == [["glass"], ["metal"]]
    counting = [one["ground_truth"] for one in tasks["friday/0-2"]["annotations"]]
    assert counting == [False, True]
    for task in tasks.values():
        for annotation in task["annotations"]:
            assert "completed_by" not in annotation, "Label Studio takes its own users alone"
            assert annotation["labelled_by"] == "eva"
    assert tasks["friday/0-4"]["annotations"] == [], "what was taken back"
    assert tasks["friday/0-6"]["predictions"][0]["result"][0]["value"]["choices"] == ["glass"]


def test_label_studio_gets_an_interface_that_fits_the_tasks(labelled):
    interface = ElementTree.fromstring(labelling_interface(labelled))
    [image], [control] = interface.findall("Image"), interface.findall("Choices")
    offered = [choice.get("value") for choice in control.findall("Choice")]
    assert offered == [*(c for c in Desk(labelled, "eva").classes), NONE_OF_THESE]
    for task in json.loads(label_studio(labelled)):
        assert image.get("value").removeprefix("$") in task["data"]
        for said in (*task["annotations"], *task["predictions"]):
            [result] = said["result"]
            assert (result["from_name"], result["to_name"]) == (
                control.get("name"),
                image.get("name"),
            )
            assert set(result["value"]["choices"]) <= set(offered)


# -- the trainer ---------------------------------------------------------------------------------


def ingest(*arguments: object) -> None:
    pytest.importorskip("torch", reason="the trainer needs torch")
    from training.cli import main

    with pytest.raises(SystemExit) as ended:
        main(["ingest", *map(str, arguments)])
    assert ended.value.code in (0, None)


def listing(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.rglob("*.png"))


def test_the_trainer_takes_the_queue_and_the_export_and_nothing_twice(labelled, tmp_path):
    desk = Desk(labelled, "eva")  # an item without a picture is an error to the trainer
    with closing(sqlite3.connect(labelled / "review/queue.sqlite")) as db, db:
        db.execute("DELETE FROM labels WHERE frame_id = '0-8'")
    out, classes = tmp_path / "reviewed", ",".join(desk.classes)
    ingest(labelled, "--out", out, "--classes", classes)
    assert listing(out) == [NONE_OF_THESE, "metal", "paper"]

    export = tmp_path / "export.json"
    export.write_text(label_studio(labelled))
    ingest(export, "--images", tmp_path, "--out", out, "--classes", classes)
    assert listing(out) == [NONE_OF_THESE, "metal", "paper"]
    assert len((out / "history.csv").read_text().splitlines()) == 5, "a header and four labels"


def test_the_trainer_does_not_see_pictures_of_no_class(labelled):
    folders = pytest.importorskip("training.folders")

    assert folders.read_folder(write_folder(labelled)).classes == ("metal", "paper")


def test_more_than_nine_classes_have_keys_and_none_is_one_of_the_desks_own() -> None:
    assert KEYS.startswith("1234567890abc")
    assert len(set(KEYS)) == len(KEYS)
    assert not set(KEYS) & set("sux ")
