"""The report page: whole, self-contained, escaped, and fast on a long run."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from line.errors import BadInput
from reports.charts.tables import Reasons, WorkerLoads, confusion
from reports.charts.thumbnails import least_sure
from reports.cross_table import cross_table
from reports.figures import FORMULAS
from reports.folder import read_run
from reports.report import write_report
from reports.results import read_results
from tests.reports.test_folder import FACTS, Row, mixed_rows, row, write_queue, write_run

VOID = {"meta", "link", "img", "br", "col", "hr", "input"}
SELF_CLOSING = {"rect", "line", "path"}


class Page(HTMLParser):
    """Checks that tags nest; collects text, tags and attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.addresses: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SELF_CLOSING
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def page_of(folder: Path) -> Page:
    path = write_report(folder)
    assert path == folder / "report.html"
    html = path.read_text(encoding="utf-8")
    assert not re.search(r"https?://|@import", html)
    page = Page(html)
    assert all(address.startswith("data:") for address in page.addresses)
    return page


def test_a_whole_run(tmp_path: Path) -> None:
    kill = {"at_s": 1.0, "action": "kill", "role": "worker", "index": 0}
    write_run(tmp_path, mixed_rows(), changes={"title": "A fine day", "events": [kill]})
    write_queue(tmp_path, {"0-8": ("glass", 0.4), "0-1": ("glass", 0.55)})
    alert = '{"id": "a", "level": "alarm", "text": "too many drops", "at": "2024-05-01T10:11:12"}'
    (tmp_path / "alerts.jsonl").write_text(alert + "\n")
    page = page_of(tmp_path)
    for needle in (
        *("A fine day", "fed 13 ≠ logged 12, lost 1", "deadline 62.0 to 450 ms", "overrun"),
        *("66.7 %", "worker-0", "too many drops", "10:11:12", "✗ is trash", "✓ right"),
        *("kill worker-0", "camera_to_ejector_m", "ab" * 6),
    ):
        assert needle in page.text
    for formula in FORMULAS.values():
        assert formula in page.text
    assert page.tags.count("img") == 2


@pytest.mark.parametrize(
    ("rows", "facts"),
    [
        ([], None),
        ([], {**FACTS, "fed": 0}),
        (mixed_rows(), None),
        (mixed_rows(), {**FACTS, "speed": "max"}),
        ([row(0, "bolt", "sorted", "bolt", scheduled_s=0)], {"fed": 1}),
        ([row(i, "", "sorted", "glass") for i in range(5)], FACTS),
        ([row(i, "glass", "dropped", reason="overrun") for i in range(5)], FACTS),
        ([row(i, f"kind {i % 12}", "sorted", f"kind {i % 12}") for i in range(60)], {"fed": 60}),
    ],
    ids=["cut off", "empty", "no facts", "max", "one item", "no truth", "no answer", "12 classes"],
)
def test_any_run_has_a_report(
    tmp_path: Path, rows: list[Row], facts: dict[str, object] | None
) -> None:
    page = page_of(write_run(tmp_path, rows, facts))
    had = {each["latency_ms"] + each["slack_ms"] for each in rows if "latency_ms" in each}
    is_drawn = "too-late" in (tmp_path / "report.html").read_text().split("</style>")[1]
    assert is_drawn == (len(had) == 1), "one deadline is drawn, of several none"
    assert "Purity and recovery" in page.text


def test_hostile_names_are_escaped(tmp_path: Path) -> None:
    hostile = "<script>alert('x')</script>\"><img src=http:x onerror=y>"
    rows = [
        row(0, hostile, "sorted", hostile),
        row(1, hostile, "failed", reason=hostile),
    ]
    write_run(tmp_path, rows, changes={"title": hostile})
    write_queue(tmp_path, {"0-0": (hostile, 0.3)})
    page = page_of(tmp_path)
    assert "script" not in page.tags
    assert page.tags.count("img") == 1
    assert hostile in page.text


def test_not_a_run_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not a run folder"):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_the_page_of_a_long_run_is_small(tmp_path: Path) -> None:
    write_run(tmp_path, [], {**FACTS, "fed": 102_000})
    lines = [
        f"0-{i},0,{i},{i / 8},glass,{'glass' if i % 9 else 'metal'},0.9,glass:0.9,false,"
        f"{'sorted' if i % 9 else 'missorted'},,{20 + i % 50}.{i % 7},300,worker-{i % 4}#1,1,m,"
        f"210,4,{20 + i % 13}.5,\n"
        for i in range(102_000)
    ]
    with (tmp_path / "results.csv").open("a") as file:
        file.writelines(lines)
    path = write_report(tmp_path)
    assert path.stat().st_size < 200_000


def test_the_least_sure_items_are_those_of_all_rows_with_the_pictures_of_the_queue(
    tmp_path: Path,
) -> None:
    rows = [row(i, "glass", "sorted", "glass", confidence=0.99 - i / 100) for i in range(60)]
    write_run(tmp_path, rows)
    write_queue(tmp_path, {f"0-{i}": ("glass", 0.99 - i / 100) for i in range(0, 60, 2)})
    (tmp_path / "review" / "images" / "0-58.png").write_bytes(b"\x89PNG torn")
    (tmp_path / "review" / "images" / "0-56.png").unlink()
    run = read_run(tmp_path)
    found = least_sure(run.tally.least_sure, run.queue.first)
    assert [each.frame_id for each in found] == [f"0-{i}" for i in range(59, 35, -1)]
    with_picture = {each.frame_id: each.data_uri for each in found if each.data_uri}
    assert list(with_picture) == [f"0-{i}" for i in range(54, 35, -2)]
    assert all(len(data_uri) <= 12 * 1024 for data_uri in with_picture.values())


def test_confusion(tmp_path: Path) -> None:
    items = read_results(write_run(tmp_path, mixed_rows()) / "results.csv").items
    rows = confusion(cross_table(items), ["glass", "metal", "trash"])
    assert [(each.truth, each.counts, each.unanswered) for each in rows] == [
        ("glass", (2, 1, 1), 0),
        ("metal", (1, 2, 0), 2),
        ("trash", (1, 1, 1), 0),
    ]
    assert rows[0].share(0) == 0.5


def test_worker_load_counts_a_batch_once_and_merges_incarnations(tmp_path: Path) -> None:
    rows = [
        row(0, "glass", "sorted", "glass", inference_ms=30.0),
        row(1, "glass", "sorted", "glass", inference_ms=30.0),
        row(2, "glass", "sorted", "glass", inference_ms=50.0, worker="worker-10#1"),
        row(3, "glass", "sorted", "glass", inference_ms=20.0, worker="worker-0#3"),
        row(4, "glass", "dropped"),
    ]
    items = read_results(write_run(tmp_path, rows) / "results.csv").items
    loads = WorkerLoads()
    loads.add(items[:1])  # a batch may lie on both sides of a block of rows
    loads.add(items[1:])
    first, second = loads.of_run(wall_s=0.5)
    assert (first.name, first.items, first.incarnations) == ("worker-0", 3, 2)
    assert (first.mean_inference_ms, first.busy_share) == (25.0, 0.1)
    assert (second.name, second.items, second.busy_share) == ("worker-10", 1, 0.1)


def test_reasons_beyond_the_most_frequent_are_summed_up(tmp_path: Path) -> None:
    rows = [row(i, "glass", "failed", reason=f"reason {i // 2}") for i in range(9)]
    items = read_results(write_run(tmp_path, rows) / "results.csv").items
    reasons = Reasons()
    reasons.add(items)
    found = reasons.most_frequent(3)
    assert [each.items for each in found] == [2, 2, 5]
    assert found[-1].text == "3 other reasons"
