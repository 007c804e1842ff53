"""results.csv; `outcome` and `delivery` make the rows of all sinks' tests."""

from __future__ import annotations

import csv
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from line.messages import (
    Buffer,
    Encoding,
    Row,
)
from line.outcome import COLUMNS, Outcome, Verdict, encode_top3
from sinks.csv_log import RECENT_ROWS, CsvLog
from sinks.csv_rows import HEADER, decode_row, encode_rows
from sinks.loop import Delivery, Receipt

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


def delivery(
    row: Outcome,
    picture: Buffer | None = None,
    encoding: Encoding = "raw",
    height_px: int = 1,
    width_px: int = 1,
) -> Delivery:
    return Delivery(Row(row, encoding, height_px, width_px), picture)


def store(log: CsvLog, *rows: Outcome) -> Receipt:
    return log.store([delivery(row) for row in rows])


def stored(path: Path) -> list[Outcome]:
    """What a reader finds."""
    header, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert header == HEADER
    return [decode_row(line) for line in lines]


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "results.csv"


# -- rows ----------------------------------------------------------------------------------------

# What a message can carry: any text but lone surrogates, which have no UTF-8.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=LINE_BREAKS))
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
    assert decode_row(data).reason.split() == (before + between + after).split()


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
        receipt = store(log, outcome(0), outcome(1))

        assert stored(path) == [outcome(0), outcome(1)]
        assert receipt == Receipt(stored=[(0, 0), (0, 1)])


def test_the_first_row_of_an_item_wins_and_is_told(path):
    with closing(CsvLog(path)) as log:
        store(log, outcome(0))

        receipt = store(log, outcome(0, verdict=Verdict.LATE), outcome(1))

        assert receipt == Receipt(stored=[(0, 0), (0, 1)], truth=[outcome(0)])
        assert stored(path) == [outcome(0), outcome(1)]


def test_the_first_of_two_rows_in_one_batch_wins(path):
    with closing(CsvLog(path)) as log:
        receipt = store(log, outcome(0), outcome(0, verdict=Verdict.LATE))

        assert receipt == Receipt(stored=[(0, 0), (0, 0)], truth=[outcome(0)])
        assert stored(path) == [outcome(0)]


def test_items_of_two_lanes_are_two_items(path):
    with closing(CsvLog(path)) as log:
        receipt = store(log, outcome(5), outcome(5, camera=1))

    assert receipt.truth == []
    assert [row.frame_id for row in stored(path)] == ["0-5", "1-5"]


def test_a_reopened_log_knows_what_it_holds(path):
    with closing(CsvLog(path)) as log:
        store(log, outcome(0), outcome(2))

    with closing(CsvLog(path)) as log:
        receipt = store(log, outcome(2, verdict=Verdict.LATE), outcome(1))

    assert receipt == Receipt(stored=[(0, 2), (0, 1)], truth=[outcome(2)])
    assert stored(path) == [outcome(0), outcome(2), outcome(1)]


def test_a_killed_log_leaves_what_it_acknowledged(path):
    """Nothing waits in memory for a close that does not come."""
    with closing(CsvLog(path)) as killed:
        store(killed, outcome(0))
        with closing(CsvLog(path)) as log:
            assert store(log, outcome(0)).truth == [outcome(0)]


@pytest.mark.parametrize("reopened", [False, True])
def test_a_repeat_older_than_the_rows_in_memory_is_answered_from_the_file(path, reopened):
    log = CsvLog(path)
    store(log, *(outcome(seq) for seq in range(RECENT_ROWS + 5)))
    if reopened:
        log.close()
        log = CsvLog(path)
    with closing(log):
        receipt = store(log, *(outcome(seq, verdict=Verdict.LATE) for seq in (0, 4, 5)))

    assert receipt.truth == [outcome(0), outcome(4), outcome(5)]
    assert len(stored(path)) == RECENT_ROWS + 5


def test_rows_with_line_breaks_and_quotes_do_not_confuse_a_reopened_log(path):
    with closing(CsvLog(path)) as log:
        store(log, outcome(0, reason='say "when",\r\nplease'), outcome(1))

    with closing(CsvLog(path)) as log:
        assert [row.seq for row in store(log, outcome(0), outcome(1)).truth] == [0, 1]


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
            receipt = store(log, *rows)

        assert stored(path) == rows
        assert receipt.truth == rows[:lines]


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
        assert log.store([]) == Receipt()

    assert path.read_text() == HEADER
