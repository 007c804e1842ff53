"""A shadow model beside the line: it sees a share of the items, and the line never sees it."""

from __future__ import annotations

import hashlib
import signal
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from line.dispatch.shadow_feed import is_sampled
from line.errors import BadInput
from line.observe.control_client import Control
from line.run_files import csv_blocks
from line.run_files.shadow_file import COLUMNS, FILE, ShadowFile, ShadowRow
from reports.shadow import read_comparisons
from reports.shadow_table import print_comparison
from run_line import main
from tests.line.supervise.test_resume import ResumedLine, kill_everybody
from tests.running_line import RunningLine, assert_accounted, poll
from tests.tiny_model import CLASSES, write_tiny_model

WHO = "somebody"
SEED, SHARE = 11, 0.5


def _row(number: int, truth: str | None, served: str, shadow: str, model: str = "new") -> ShadowRow:
    return ShadowRow(
        frame_id=f"0-{number}",
        true_class=truth,
        served_model="old",
        served_class=served,
        served_confidence=0.9,
        served_inference_ms=10.0 + number,
        shadow_model=model,
        shadow_class=shadow,
        shadow_confidence=0.8,
        shadow_inference_ms=5.0,
    )


# -- which items ------------------------------------------------------------------------------


def test_the_share_depends_on_seed_and_item_alone() -> None:
    items = [(camera, seq) for camera in range(2) for seq in range(2000)]
    chosen = {item for item in items if is_sampled(7, *item, 0.25)}
    assert 900 < len(chosen) < 1100
    assert chosen < {item for item in items if is_sampled(7, *item, 0.5)}
    assert chosen != {item for item in items if is_sampled(8, *item, 0.25)}
    assert not any(is_sampled(7, *item, 0.0) for item in items)
    assert all(is_sampled(7, *item, 1.0) for item in items)


# -- what comes of it -------------------------------------------------------------------------


def test_a_comparison_counts_what_changed(tmp_path: Path) -> None:
    with ShadowFile(tmp_path) as file:
        for row in (
            _row(0, "glass", "glass", "glass"),
            _row(1, "glass", "metal", "glass"),
            _row(2, "metal", "metal", "glass"),
            _row(3, "metal", "metal", "glass"),
            _row(4, None, "metal", "NA"),
            _row(4, None, "metal", "glass"),  # an item that was decided twice counts once
        ):
            file.append(row)
    with ShadowFile(tmp_path) as file:
        file.append(_row(0, "glass", "glass", "metal", "newest"))
    with (tmp_path / FILE).open("a") as torn:
        torn.write("0-9,gla")
    first, second = read_comparisons(tmp_path)
    assert (first["model"], first["served"], first["items"], first["known"]) == (
        "new",
        ["old"],
        5,
        4,
    )
    assert first["agreement"] == 0.2
    assert first["accuracy"] == {"served": 0.75, "shadow": 0.5}
    assert (first["mended"], first["spoiled"]) == (1, 2)
    assert first["latency_ms"]["served"] == {"p50": 12.0, "p95": 13.8}
    assert first["changes"][0] == {
        "true_class": "metal",
        "served": "metal",
        "shadow": "glass",
        "items": 2,
    }
    assert {"true_class": None, "served": "metal", "shadow": "NA", "items": 1} in first["changes"]
    assert (second["model"], second["items"], second["agreement"]) == ("newest", 1, 0.0)


def test_a_comparison_is_told_in_a_table(tmp_path: Path) -> None:
    with ShadowFile(tmp_path) as file:
        file.append(_row(0, "glass", "[red]metal", "glass"))
        file.append(_row(1, None, "metal", "metal"))
    console = Console(width=100, record=True, file=(tmp_path / "out").open("w"))
    (found,) = read_comparisons(tmp_path)
    print_comparison(found, console)
    console.file.close()
    said = console.export_text()
    assert "shadow model new beside old: 2 items, the same class for 50.0 %" in said
    assert "[red]metal" in said
    assert "mended" in said
    assert "alone was right about 1, the other alone about 0" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"frame_id,verdict\n0-1,sorted\n", "has other columns"),
        (",".join(COLUMNS).encode() + b"\n0-1,a,b,c,much,1,n,d,1,1\n", "much"),
        (b"\xff\xfe\n", "codec"),
    ],
)
def test_what_is_no_shadow_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(BadInput) as refusal:
        read_comparisons(tmp_path)
    assert str(refusal.value).startswith(f"{tmp_path / FILE}: ")
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_file_with_a_header_alone_has_no_shadow(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(",".join(COLUMNS) + "\n")
    assert read_comparisons(tmp_path) == []


def test_a_row_that_stands_twice_counts_once_in_blocks_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ShadowFile(tmp_path) as file:
        for number in (*range(40), *range(40)):
            file.append(_row(number, "glass", "glass", "metal" if number % 4 else "glass"))
    whole = read_comparisons(tmp_path)
    monkeypatch.setattr(csv_blocks, "_BLOCK_BYTES", 300)
    assert read_comparisons(tmp_path) == whole
    assert (whole[0]["items"], whole[0]["agreement"]) == (40, 0.25)


# -- a running line ---------------------------------------------------------------------------


def test_a_shadow_model_sees_its_share_and_the_line_does_not_see_it(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor does the line handle that it is killed or frozen; a resumed run goes on with it."""
    shadow = write_tiny_model(tmp_path / "shadow.onnx", tuple(reversed(CLASSES)))
    options = ("--model", tiny_model, "--seed", SEED, "--interval", 0.05, "--source", "procedural")
    run_dir = tmp_path / "run"

    def call(*arguments: object) -> tuple[int, str]:
        status = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    with RunningLine(run_dir, *options, "--workers", 1) as line:
        line.wait_for_rows(3)
        assert call("shadow", run_dir)[1].startswith(
            f"error: {run_dir}: no shadow model has answered"
        )
        assert call("swap", run_dir, "--shadow", "off") == (2, "error: there is no shadow model\n")
        assert call("swap", run_dir, "--model", shadow, "--shadow", "2")[0] == 2
        status, said = call("swap", run_dir, "--model", shadow, "--shadow", SHARE)
        assert status == 0
        assert "answers beside for 50% of the items" in said
        _wait_for_compared(line, 10)
        line.kill("shadow")
        _wait_for_compared(line, _compared(line) + 10)
        line.kill("dispatcher")
        _wait_for_compared(line, _compared(line) + 10)
        line.kill("shadow", signal.SIGSTOP)
        line.wait_for_rows(line.rows_written() + 20)
        kill_everybody(line)
    with ResumedLine(run_dir) as resumed:
        _wait_for_compared(resumed, _compared(resumed) + 5)
        assert call("swap", run_dir, "--shadow", "off")[0] == 0
        poll(lambda: not resumed.pid("shadow"), "no shadow model")
        resumed.wait_for_rows(resumed.rows_written() + 5)
        with Control.of(run_dir) as control:
            control.order("drain", WHO)
        status, summary = resumed.finish()
        rows = resumed.rows()
    assert status == 0
    assert_accounted(summary, rows)
    assert set(rows["model"].dropna()) == {_short(tiny_model)}
    compared = pd.read_csv(run_dir / FILE)
    assert len(compared) >= 34  # as waited for above; a resumed belt shows some items twice
    _assert_compared_with(rows, compared.drop_duplicates("frame_id"), shadow)
    (found,) = summary["shadow"]
    assert (found["model"], found["served"]) == (_short(shadow), [_short(tiny_model)])
    assert call("shadow", run_dir)[1].startswith(f"shadow model {_short(shadow)} beside ")


def _assert_compared_with(rows: pd.DataFrame, compared: pd.DataFrame, shadow: Path) -> None:
    """The share, and the rows' own answers; the shadow has but other names for its outputs."""
    both = compared.merge(rows, on="frame_id", suffixes=("_told", ""))
    assert len(both) == len(compared) > 0
    # One that had expired when the line was killed may have been shown once more to its successor.
    both = both[both["predicted_class"].notna()]
    assert len(both) > 0
    assert all(
        is_sampled(SEED, c, s, SHARE) for c, s in zip(both["camera"], both["seq"], strict=True)
    )
    assert (both["served_class"] == both["predicted_class"]).all()
    assert (both["true_class_told"] == both["true_class"]).all()
    assert set(both["shadow_model"]) == {_short(shadow)}
    mirrored = dict(zip(CLASSES, reversed(CLASSES), strict=True))
    assert (both["shadow_class"] == both["served_class"].map(mirrored)).all()


def _short(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _compared(line: RunningLine) -> int:
    path = line.run_dir / FILE
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _wait_for_compared(line: RunningLine, count: int) -> None:
    poll(lambda: _compared(line) >= count, f"{count} lines of {FILE}")
