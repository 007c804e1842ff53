"""Every figure of a run, as each place shows it, against what its rows say.

One run has it all: a dispatcher that is killed, a belt that is sped up, a pause, a runner that is
killed, and a second one that goes on. The rows are read with pandas; nothing of the product helps.
"""

from __future__ import annotations

import json
import re
import socket
from contextlib import closing
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.running_line import RunningLine, called, poll

IN_TIME = ("sorted", "missorted", "residue_ok", "low_confidence", "missed")
EJECTED = ("sorted", "missorted")
RESIDUE = "trash"


@dataclass(frozen=True)
class Seen:
    """What was shown of the run, and the rows of that moment."""

    paused: dict[str, Any]
    paused_rows: pd.DataFrame
    cut_off: dict[str, Any]
    cut_off_orders: int
    summary: dict[str, Any]
    rows: pd.DataFrame
    page: str
    terminal: str


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Seen:
    run_dir = tmp_path_factory.mktemp("figures") / "run"
    options = ("--model", tiny_model, "--duration", 36_000, "--interval", 0.05, "--workers", 2)
    patient = ("--set", "belt.camera_to_ejector_m=20", "--set", "camera.window_frames=500")
    with RunningLine(run_dir, *options, *patient, "--active-learning", "--console", "off") as line:
        line.wait_for_rows(60)
        killed = line.kill("dispatcher")
        poll(lambda: line.pid("dispatcher") not in (None, killed), "another dispatcher")
        line.wait_for_rows(line.rows_written() + 60)
        at_s = order(run_dir, "belt_speed", m_per_s=2.0)["at_s"]
        poll(lambda: (answered(line)["scheduled_s"] > at_s).sum() > 40, "answers after the order")
        order(run_dir, "pause")
        paused = poll(lambda: settled(run_dir, line), "a line at rest")
        paused_rows = line.rows()
        order(run_dir, "unpause")
        line.kill_runner()
    told = called("report", run_dir)
    assert told.returncode == 0, told.stderr
    cut_off = json.loads((run_dir / "summary.json").read_text())
    given = [json.loads(text) for text in (run_dir / "orders.jsonl").read_text().splitlines()]
    again = ("--resume", run_dir, "--json")
    with Resumed(run_dir, again) as line:
        line.wait_for_rows(line.rows_written() + 20)
        line.interrupt()
        status, summary = line.finish()
        assert status == 0
        rows = line.rows()
    terminal = called("report", run_dir)
    assert terminal.returncode == 0, terminal.stderr
    return Seen(
        paused,
        paused_rows,
        cut_off,
        sum(order["done"] for order in given),
        summary,
        rows,
        (run_dir / "report.html").read_text(),
        terminal.stdout,
    )


class Resumed(RunningLine):
    """The same run, with a runner that goes on with it."""

    def __init__(self, run_dir: Path, arguments: tuple[object, ...]) -> None:
        super().__init__(run_dir)
        self._command = [*self._command[:3], *map(str, arguments)]


def talk(run_dir: Path, note: dict[str, Any], kind: str) -> dict[str, Any]:
    """The first answer of a kind on the control socket."""
    control = json.loads((run_dir / "processes.json").read_text())["control"]
    with closing(socket.socket(socket.AF_UNIX)) as end:
        end.settimeout(120)
        end.connect(control)
        end.sendall(json.dumps(note).encode() + b"\n")
        with end.makefile("rb") as lines:
            return next(said for said in map(json.loads, lines) if said["kind"] == kind)


def answered(line: RunningLine) -> pd.DataFrame:
    rows = line.rows()
    return rows[rows["latency_ms"].notna()]


def order(run_dir: Path, action: str, **facts: object) -> dict[str, Any]:
    note = {"kind": "order", "id": 1, "who": "test", "order": {"action": action, **facts}}
    answer = talk(run_dir, note, "answer")
    assert answer["done"], answer
    done: dict[str, Any] = answer["facts"]
    return done


def settled(run_dir: Path, line: RunningLine) -> dict[str, Any] | None:
    """The status once all that was fed has a row, and the status knows it."""
    status = talk(run_dir, {"kind": "watch"}, "status")
    is_at_rest = status["paused"] and status["fed"] == status["logged"]
    return status if is_at_rest and status["logged"] == line.rows_written() else None


def share(value: float) -> str:
    """As the pages have it."""
    if 0.9995 <= value < 1:
        return ">99.9 %"
    return "<0.1 %" if 0 < value < 0.0005 else f"{100 * value:.1f} %"


def quantile(values: pd.Series, percent: int) -> float:
    return float(values.quantile(percent / 100))


def accuracy(rows: pd.DataFrame) -> float:
    answered = rows[rows["predicted_class"].notna() & rows["true_class"].notna()]
    return float((answered["predicted_class"] == answered["true_class"]).mean())


def tile(page: str, name: str) -> str:
    found = re.search(rf"<dt>{re.escape(name)}</dt>\s*<dd>(.*?)</dd>", page)
    assert found, name
    return unescape(found[1])


# -- the running line -----------------------------------------------------------------------------


def test_the_status_counts_what_the_rows_say(seen: Seen) -> None:
    status, rows = seen.paused, seen.paused_rows
    assert status["logged"] == status["fed"] == len(rows)
    counted = {name: count for name, count in status["verdicts"].items() if count}
    assert counted == rows["verdict"].value_counts().to_dict()
    assert status["accuracy"] == pytest.approx(accuracy(rows))


def test_the_latency_is_of_the_last_five_hundred_answers(seen: Seen) -> None:
    latencies = seen.paused_rows["latency_ms"].dropna().tail(500)
    for percent in (50, 95, 99):
        shown = seen.paused["latency_ms"][f"p{percent}"]
        assert shown == pytest.approx(quantile(latencies, percent), abs=1e-6)


def test_the_histogram_counts_every_answer(seen: Seen) -> None:
    latencies = seen.paused_rows["latency_ms"].dropna()
    found = seen.paused["latency_s"]
    edges = [-1.0, *found["bounds"], float("inf")]
    bins = pd.cut(latencies / 1000, edges).value_counts(sort=False)
    assert found["counts"] == bins.tolist()


def test_what_a_worker_has_answered_outlives_the_dispatcher(seen: Seen) -> None:
    workers = seen.paused_rows["worker"].dropna().str.partition("#")[0]
    shown = {
        each["name"]: each["answered"]
        for each in seen.paused["processes"]
        if each["role"] == "worker"
    }
    assert {name: count for name, count in shown.items() if count} == (
        workers.value_counts().to_dict()
    )


def test_the_bins_hold_what_the_rows_say(seen: Seen) -> None:
    rows = seen.paused_rows
    ejected = rows[rows["verdict"].isin(EJECTED)]
    for name, shown in seen.paused["bins"].items():
        into = ejected[ejected["predicted_class"] == name]
        assert shown.get("fed", 0) == (rows["true_class"] == name).sum()
        assert shown.get("ejected", 0) == len(into)
        assert shown.get("right", 0) == (into["true_class"] == name).sum()


# -- a run without accounts -----------------------------------------------------------------------


def test_a_run_that_was_cut_off_knows_its_orders_and_restarts(seen: Seen) -> None:
    assert seen.cut_off["ended"] is None
    assert seen.cut_off["orders"] == seen.cut_off_orders >= 2
    assert seen.cut_off["restarts"]["dispatcher"] == 1
    assert seen.cut_off["model"]["sha256"] == seen.summary["model"]["sha256"]


# -- the accounts ---------------------------------------------------------------------------------


def test_the_summary_counts_what_the_rows_say(seen: Seen) -> None:
    summary, rows = seen.summary, seen.rows
    fed = summary["items"]["fed"]
    assert summary["items"]["logged"] == len(rows) == fed
    counted = {name: count for name, count in summary["verdicts"].items() if count}
    assert counted == rows["verdict"].value_counts().to_dict()
    in_time = rows["verdict"].isin(IN_TIME).sum() / fed
    assert summary["in_time_rate"] == pytest.approx(in_time, abs=1e-6)
    assert summary["accuracy"] == pytest.approx(accuracy(rows), abs=1e-6)
    for name, percent in (("p50", 50), ("p90", 90), ("p95", 95), ("p99", 99), ("max", 100)):
        value = quantile(rows["latency_ms"].dropna(), percent)
        assert summary["latency_ms"][name] == pytest.approx(value, abs=1e-3)
    answers = rows["latency_ms"].notna().sum()
    assert summary["throughput_fps"] == pytest.approx(answers / summary["wall_s"], rel=1e-4)
    tonnes = rows["mass_g"].sum() / 1e6
    per_hour = 3600 * tonnes / rows["scheduled_s"].max()
    assert summary["throughput_t_per_h"] == pytest.approx(per_hour, rel=1e-4)


def test_purity_and_recovery_are_those_of_the_rows(seen: Seen) -> None:
    rows, summary = seen.rows, seen.summary
    for name in summary["purity"]:
        of_class = rows[rows["true_class"] == name]
        into = rows[rows["verdict"].isin(EJECTED) & (rows["predicted_class"] == name)]
        right = into[into["true_class"] == name]
        got = of_class[of_class["verdict"] == "residue_ok"] if name == RESIDUE else right
        pairs = {
            "purity": (len(right), 0 if name == RESIDUE else len(into)),
            "purity_by_mass": (
                right["mass_g"].sum(),
                0 if name == RESIDUE else into["mass_g"].sum(),
            ),
            "recovery": (len(got), len(of_class)),
            "recovery_by_mass": (got["mass_g"].sum(), of_class["mass_g"].sum()),
        }
        for figure, (part, whole) in pairs.items():
            shown = summary[figure][name]
            assert shown == (pytest.approx(part / whole, abs=1e-5) if whole else None), figure


def test_deadlines_are_those_that_items_had(seen: Seen) -> None:
    """The belt was sped up: half as long from then on."""
    had = (seen.rows["latency_ms"] + seen.rows["slack_ms"]).dropna()
    least, most = seen.summary["deadlines_ms"]
    assert (least, most) == pytest.approx((had.min(), had.max()), abs=1e-3)
    assert most > 1.5 * least
    assert seen.summary["belt_speeds_m_per_s"] == [1.0, 2.0]
    for text in (seen.page, seen.terminal):
        plain = unescape(" ".join(text.replace("\N{NARROW NO-BREAK SPACE}", "").split()))
        assert f"deadline {least:.0f} to {most:.0f} ms" in plain
        assert "1.00 to 2.00 m/s" in plain


def test_the_report_shows_the_same_figures(seen: Seen) -> None:
    rows = seen.rows
    in_time = rows["verdict"].isin(IN_TIME).sum() / len(rows)
    assert tile(seen.page, "In time") == share(in_time)
    assert tile(seen.page, "Accuracy") == share(accuracy(rows))
    for name, count in rows["verdict"].value_counts().items():
        assert re.search(rf"<b>{name}</b><span class=\"num\">{count}</span>", seen.page)


def test_the_least_sure_items_are_the_least_sure(seen: Seen) -> None:
    section = seen.page.partition("The least sure items")[2].partition("</ul>")[0]
    shown = re.findall(r"</b> ([<>0-9.]+ %)</span>", unescape(section))
    least = seen.rows["confidence"].dropna().nsmallest(len(shown))
    assert len(shown) == 24
    assert shown == [share(value) for value in least]


def test_the_terminal_shows_the_same_figures(seen: Seen) -> None:
    rows, plain = seen.rows, " ".join(seen.terminal.split())
    in_time = rows["verdict"].isin(IN_TIME).sum() / len(rows)
    assert f"in time {share(in_time)} of the items fed" in plain
    assert f"accuracy {share(accuracy(rows))} of the classified items" in plain
    known = rows[rows["true_class"].notna()]
    right = known["verdict"].eq("sorted") | known["verdict"].eq("residue_ok")
    assert f"not recovered {share(1 - right.mean())} of the items" in plain
