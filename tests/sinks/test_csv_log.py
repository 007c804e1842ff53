"""results.csv; `outcome` makes the rows of all sinks' tests."""

from __future__ import annotations

import csv
import json
import os
import shutil
import zlib
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from line.errors import BadInput, FileChanged
from line.outcome import COLUMNS, Outcome, Verdict, encode_top3
from line.plain_text import LONGEST_CELL, plain
from line.run_files.results import HEADER, decode_row, encode_rows
from sinks.checkpoint import Checkpoint
from sinks.csv_log import CHECKPOINT, CsvLog

LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def outcome(seq: int = 0, **facts: Any) -> Outcome:
    """A sorted glass of lane 0, unless `facts` say otherwise."""
    values: dict[str, Any] = {
        "camera": 0,
        "seq": seq,
        "scheduled_s": seq / 8,
        "true_class": "glass",
        "predicted_class": "glass",
        "confidence": 0.9,
        "top3": encode_top3([("glass", 0.9), ("plastic", 0.07), ("paper", 0.03)]),
        "verdict": Verdict.SORTED,
        "latency_ms": 21.5,
        "slack_ms": 728.5,
        "worker": "worker-0#1",
        "attempts": 1,
        "model": "0123456789ab",
        "mass_g": 210.0,
        "queue_ms": 15.25,
        "inference_ms": 6.25,
        "picture_crc32": 4294967295,
    }
    return Outcome(**(values | facts))


def store(log: CsvLog, *rows: Outcome) -> None:
    log.store(rows)


def stored(path: Path) -> list[Outcome]:
    """What a reader finds."""
    header, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert header == HEADER
    return [decode_row(line) for line in lines]


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "results.csv"


# -- rows ----------------------------------------------------------------------------------------

# What is left of any text: nothing that is not printable, and one line of it.
texts = st.text(st.characters(codec="utf-8")).map(plain)
names = texts.filter(bool)
numbers = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 2**63 - 1)
outcomes = st.builds(
    Outcome,
    camera=st.integers(0, 63),
    seq=counts,
    scheduled_s=numbers,
    true_class=st.none() | names,
    predicted_class=st.none() | names,
    confidence=st.none() | numbers,
    top3=texts,
    low_confidence=st.booleans(),
    verdict=st.sampled_from(Verdict),
    reason=texts,
    latency_ms=st.none() | numbers,
    slack_ms=st.none() | numbers,
    worker=texts,
    attempts=counts,
    model=texts,
    mass_g=numbers,
    queue_ms=st.none() | numbers,
    inference_ms=st.none() | numbers,
    picture_crc32=st.none() | counts,
)


@given(row=outcomes)
def test_a_row_comes_back_as_it_was(row):
    line = encode_rows([row]).decode()

    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert decode_row(line) == row


@given(
    row=outcomes,
    before=texts,
    between=st.text(LINE_BREAKS, min_size=1, max_size=3),
    after=texts,
)
def test_a_line_break_in_a_text_never_breaks_the_row(row, before, between, after):
    data = encode_rows([replace(row, reason=before + between + after)]).decode()

    assert len(data.splitlines()) == 1
    assert decode_row(data).reason == plain(before + between + after)


def test_commas_and_quotes_survive():
    row = outcome(reason='"torn", they said', true_class='a,"b"')

    assert decode_row(encode_rows([row]).decode()) == row


def test_nothing_and_no_text_are_both_empty_cells_and_told_apart_by_their_column():
    row = outcome(true_class=None, reason="", confidence=None, picture_crc32=None)

    cells = next(csv.DictReader([HEADER, encode_rows([row]).decode()]))

    assert [cells[name] for name in ("true_class", "reason", "confidence")] == ["", "", ""]
    back = decode_row(encode_rows([row]).decode())
    assert (back.true_class, back.reason, back.confidence) == (None, "", None)


def test_a_row_begins_with_the_name_of_its_frame():
    assert encode_rows([outcome(12, camera=3)]).startswith(b"3-12,3,12,")


@pytest.mark.parametrize("line", ["", "\n", "0-1,0,1\n", HEADER])
def test_what_is_no_row_is_a_value_error(line):
    with pytest.raises(ValueError):  # noqa: PT011 - of whichever cell
        decode_row(line)


# -- the log -------------------------------------------------------------------------------------


def test_a_fresh_log_has_a_header_and_no_rows(path):
    with closing(CsvLog(path)):
        assert path.read_text() == HEADER


def test_rows_are_in_the_file_when_they_are_acknowledged(path):
    with closing(CsvLog(path)) as log:
        store(log, outcome(0), outcome(1))

        assert stored(path) == [outcome(0), outcome(1)]


def test_the_first_row_of_an_item_wins(path):
    with closing(CsvLog(path)) as log:
        store(log, outcome(0))

        store(log, outcome(0, verdict=Verdict.LATE), outcome(1))

        assert stored(path) == [outcome(0), outcome(1)]


def test_the_first_of_two_rows_in_one_batch_wins(path):
    with closing(CsvLog(path)) as log:
        store(log, outcome(0), outcome(0, verdict=Verdict.LATE))

        assert stored(path) == [outcome(0)]


def test_items_of_two_lanes_are_two_items(path):
    with closing(CsvLog(path)) as log:
        store(log, outcome(5), outcome(5, camera=1))

    assert [row.frame_id for row in stored(path)] == ["0-5", "1-5"]


def test_a_reopened_log_knows_what_it_holds(path):
    with closing(CsvLog(path)) as log:
        store(log, outcome(0), outcome(2))

    with closing(CsvLog(path)) as log:
        store(log, outcome(2, verdict=Verdict.LATE), outcome(1))

    assert stored(path) == [outcome(0), outcome(2), outcome(1)]


def test_a_killed_log_leaves_what_it_acknowledged(path):
    """Nothing waits in memory for a close that does not come."""
    with closing(CsvLog(path)) as killed:
        store(killed, outcome(0))
        with closing(CsvLog(path)) as log:
            store(log, outcome(0))
        assert stored(path) == [outcome(0)]


def test_rows_with_line_breaks_and_quotes_do_not_confuse_a_reopened_log(path):
    with closing(CsvLog(path)) as log:
        store(log, outcome(0, reason='say "when",\r\nplease'), outcome(1))

    with closing(CsvLog(path)) as log:
        store(log, outcome(0), outcome(1))
    assert [row.seq for row in stored(path)] == [0, 1]


def test_a_torn_tail_is_cut_off_wherever_the_log_was_killed(tmp_path):
    """The file ends at every byte of its last two lines in turn."""
    rows = [outcome(0), outcome(1, reason='a "torn", line'), outcome(2, true_class="Büchse")]
    whole = HEADER.encode() + encode_rows(rows)
    first_cut = len(HEADER.encode() + encode_rows(rows[:1]))
    for cut in range(first_cut, len(whole) + 1):
        path = tmp_path / f"{cut}.csv"
        path.write_bytes(whole[:cut])
        lines = whole[:cut].count(b"\n") - 1

        with closing(CsvLog(path)) as log:
            assert stored(path) == rows[:lines]
            store(log, *rows)

        assert stored(path) == rows


@pytest.mark.parametrize("cut", range(0, len(HEADER) + 1, 7))
def test_a_torn_header_is_written_anew(path, cut):
    path.write_text(HEADER[:cut])

    with closing(CsvLog(path)) as log:
        store(log, outcome(0))

    assert stored(path) == [outcome(0)]


def test_a_torn_line_longer_than_any_buffer_is_cut_off(path):
    path.write_bytes(HEADER.encode() + encode_rows([outcome(0)]) + b"x" * 200_000)

    with closing(CsvLog(path)):
        assert stored(path) == [outcome(0)]


def test_pandas_reads_the_file_at_any_moment(path):
    odd = [
        outcome(0),
        outcome(1, predicted_class=None, confidence=None, verdict=Verdict.DROPPED, reason="a, b"),
        outcome(2, true_class=None, reason='"quoted"'),
        outcome(3, reason="two\nlines", low_confidence=True),
    ]
    with closing(CsvLog(path)) as log:
        assert pd.read_csv(path).empty
        for count, row in enumerate(odd, 1):
            store(log, row)
            table = pd.read_csv(path)
            assert list(table.columns) == list(COLUMNS)
            assert list(table["seq"]) == list(range(count))

    assert table["low_confidence"].tolist() == [False, False, False, True]
    assert table["confidence"].isna().tolist() == [False, True, False, False]
    assert table["reason"].fillna("").tolist() == ["", "a, b", '"quoted"', "two lines"]
    assert table["scheduled_s"].tolist() == [row.scheduled_s for row in odd]


def test_no_batch_is_no_change(path):
    with closing(CsvLog(path)) as log:
        log.store([])

    assert path.read_text() == HEADER


# -- what cells may hold -------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "'=1", "''-1", "\uff1d1", "'"])
def test_no_text_of_a_row_is_a_formula_and_each_comes_back(text):
    row = outcome(reason=text, true_class=text, predicted_class=text, worker=text, top3=text)

    data = encode_rows([row]).decode()

    cells = next(csv.DictReader([HEADER, data]))
    for name in ("reason", "true_class", "predicted_class", "worker", "top3"):
        assert not cells[name].startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))
    assert decode_row(data).reason == plain(text)
    assert decode_row(data).true_class == plain(text)


def test_numbers_stay_numbers():
    cells = next(csv.DictReader([HEADER, encode_rows([outcome(slack_ms=-1.5)]).decode()]))

    assert cells["slack_ms"] == "-1.5"


def test_no_text_is_longer_than_a_reader_takes(path):
    with closing(CsvLog(path)) as log:
        store(log, outcome(0, reason="x" * 10**6, worker="\ud800"), outcome(1))

    with closing(CsvLog(path)) as log:
        store(log, outcome(0))
    first, second = stored(path)
    assert (len(first.reason), first.worker, second) == (LONGEST_CELL, "\\ud800", outcome(1))


# -- the checkpoint ------------------------------------------------------------------------------


def figures(log: CsvLog) -> dict[str, Any]:
    return {name: fact for name, fact in log.facts().items() if name != "last_row"}


def varied(count: int, camera: int = 0) -> list[Outcome]:
    """Rows of all kinds, nearly in order."""
    verdicts = list(Verdict)
    rows = [
        outcome(
            seq ^ 1,
            camera=camera,
            verdict=verdicts[seq % len(verdicts)],
            reason=f"=reason {seq % 3}",
            true_class=("glass", "=paper", None)[seq % 3],
            latency_ms=None if seq % 4 == 0 else float(seq),
        )
        for seq in range(count)
    ]
    return [row for row in rows if row.seq != 20]


def damage(path: Path, how: str) -> None:
    whole = path.read_bytes()
    match how:
        case "gone":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(whole[:-9])
        case "edited":
            path.write_bytes(whole.replace(b'"known"', b'"knowm"'))
        case "of another form":
            path.write_bytes(b"%08x\n[]" % zlib.crc32(b"[]"))
        case "a pipe":
            path.unlink()
            os.mkfifo(path)


@pytest.mark.parametrize(
    "how", ["whole", "gone", "empty", "cut", "edited", "of another form", "a pipe"]
)
def test_a_log_knows_the_same_with_and_without_its_checkpoint(path, how):
    rows = varied(60) + varied(30, camera=3)
    with closing(CsvLog(path, latency_bounds_s=(0.01, 0.02))) as log:
        store(log, *rows)
        before = figures(log)
    damage(path.with_name(CHECKPOINT), how)

    with closing(CsvLog(path, latency_bounds_s=(0.01, 0.02))) as log:
        assert figures(log) == before
        store(log, *rows, outcome(20))
    assert stored(path) == [*rows, outcome(20)]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(data=st.data())
def test_no_checkpoint_whatever_it_holds_keeps_a_log_from_its_work(data, tmp_path_factory):
    """One value of it is another, and its checksum is right all the same."""
    path = tmp_path_factory.mktemp("log") / "results.csv"
    rows = varied(12)
    with closing(CsvLog(path)) as log:
        store(log, *rows)
    checkpoint = Checkpoint(path.with_name(CHECKPOINT))
    state = checkpoint.read()
    assert state is not None
    place = data.draw(st.sampled_from(["cursor", "known", "stats", *state["stats"]]))
    holder = state if place in state else state["stats"]
    holder[place] = data.draw(anything)
    checkpoint.write(state)

    with closing(CsvLog(path)) as log:
        store(log, *rows, outcome(20))
        json.dumps(log.facts())
    assert stored(path) == [*rows, outcome(20)]


def test_rows_behind_the_checkpoint_are_learned_from_the_file(path):
    first, second = varied(40), varied(40, camera=1)
    with closing(CsvLog(path)) as log:
        store(log, *first)
    checkpoint = path.with_name(CHECKPOINT).read_bytes()
    with closing(CsvLog(path)) as log:
        store(log, *second)
        before = figures(log)
    path.with_name(CHECKPOINT).write_bytes(checkpoint)  # as a kill leaves it

    with closing(CsvLog(path)) as log:
        assert figures(log) == before
        store(log, *first, *second)
    assert stored(path) == first + second


@pytest.mark.parametrize("what", ["cut", "changed at its end", "replaced by a longer one"])
def test_a_checkpoint_that_the_file_does_not_bear_out_is_not_believed(path, what):
    """Rows that it calls known and the file does not hold would be lost."""
    rows = varied(30)
    with closing(CsvLog(path)) as log:
        store(log, *rows)
    kept = {"cut": rows[:20], "changed at its end": [*rows[:-1], outcome(77)]}.get(
        what, [outcome(seq, camera=2) for seq in range(90)]
    )
    path.write_bytes(HEADER.encode() + encode_rows(kept))

    with closing(CsvLog(path)) as log:
        store(log, *rows)
    found = {row.frame_id for row in stored(path)}
    assert found == {row.frame_id for row in [*kept, *rows]}


def test_a_start_reads_only_what_came_after_the_checkpoint(path):
    """A row in the middle that would be refused is not looked at, however long the file is."""
    rows = varied(200)
    with closing(CsvLog(path)) as log:
        store(log, *rows)
    whole = path.read_bytes()
    place = whole.index(b"\n", 1000) + 1
    path.write_bytes(whole[:place] + b",," + whole[place + 2 :])

    with closing(CsvLog(path)) as log:
        assert figures(log)["logged"] == len(rows)
    path.with_name(CHECKPOINT).unlink()
    with pytest.raises(BadInput, match=r"results\.csv: line \d+: "):
        CsvLog(path)


def test_a_log_says_that_it_lives_while_it_reads_a_long_file(path):
    with closing(CsvLog(path)) as log:
        for camera in range(8):
            store(log, *varied(2000, camera))
    path.with_name(CHECKPOINT).unlink()
    calls: list[int] = []

    with closing(CsvLog(path, alive=lambda: calls.append(1))):
        assert len(calls) >= path.stat().st_size // 10**6


# -- refused files, and files that other programs change -------------------------------------------


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_link(path: Path) -> None:
    path.with_name("elsewhere").write_text("precious\nand whole")
    path.symlink_to(path.with_name("elsewhere"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("a,b\n1,2\n"), "line 1: not the header"),
        (lambda path: path.write_text(HEADER + "0-1,0\n"), "line 2: 2 cells instead of"),
        (lambda path: path.write_bytes(HEADER.encode() + b"\xff\n"), "line 2: "),
        (lambda path: path.write_text(HEADER + '"\n' * 2), "line 2: "),
        (lambda path: path.mkdir(), "is a folder"),
        (make_pipe, "is not a regular file"),
        (make_link, "is a link"),
    ],
)
def test_a_file_that_is_refused_is_named_and_leaves_no_descriptor(path, make, message):
    make(path)
    before = open_files()
    for _ in range(5):
        with pytest.raises(BadInput, match=rf"results\.csv: {message}"):
            CsvLog(path)
    assert open_files() == before
    if path.is_symlink():
        assert path.read_text() == "precious\nand whole"


@pytest.mark.parametrize("how", ["deleted", "moved", "replaced"])
def test_a_file_that_goes_away_is_put_back_with_its_rows_and_that_is_told(path, how):
    other = path.with_name("other.csv")
    with closing(CsvLog(path)) as log:
        store(log, *varied(50))
        if how == "deleted":
            path.unlink()
        elif how == "moved":
            path.rename(other)
        else:
            other.write_text("theirs\n")
            other.rename(path)
        store(log, outcome(20))
        assert stored(path) == [*varied(50), outcome(20)]
        word = "replaced" if how == "replaced" else "deleted"
        assert log.news() == [f"results.csv was {word} by another program and put back"]
        assert log.news() == []
        store(log, outcome(99))
    assert stored(path) == [*varied(50), outcome(20), outcome(99)]
    if how == "replaced":
        assert path.with_name("results.csv.replaced-1").read_text() == "theirs\n"


def test_a_long_file_is_put_back_with_signs_of_life(path):
    calls: list[int] = []
    with closing(CsvLog(path, alive=lambda: calls.append(1))) as log:
        for camera in range(8):
            store(log, *varied(2000, camera))
        size = path.stat().st_size
        path.unlink()
        calls.clear()
        store(log, outcome(20))
        assert len(calls) >= size // 2**20 > 0
    assert len(stored(path)) == 8 * 1999 + 1


def test_a_file_whose_folder_is_gone_ends_the_log_in_one_line(tmp_path):
    path = tmp_path / "run" / "results.csv"
    path.parent.mkdir()
    with closing(CsvLog(path)) as log:
        store(log, outcome(0))
        shutil.rmtree(path.parent)
        with pytest.raises(FileChanged, match="was deleted and cannot be put back"):
            store(log, outcome(1))


@pytest.mark.parametrize(("size", "message"), [(-5, "5 bytes are gone"), (7, "7 bytes are not")])
def test_a_file_that_another_program_cuts_or_adds_to_ends_the_log_in_one_line(path, size, message):
    with closing(CsvLog(path)) as log:
        store(log, outcome(0))
        os.truncate(path, path.stat().st_size + size)
        with pytest.raises(FileChanged, match=rf"results\.csv: another program .*{message}"):
            store(log, outcome(1))
