"""/metrics and /healthz of a running line, over HTTP."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from line.config import ROOT, load
from line.errors import BadInput
from line.observe.exporter import Exporter
from line.observe.page_server import MOST_CLIENTS, PageServer
from line.observe.snapshot import Snapshot
from line.observe.status import ProcessState, Status
from sinks.running_stats import bucket_bounds_s
from tests.ports import free_port
from tests.running_line import TIMEOUT_S, RunningLine, assert_accounted, called, poll

Samples = dict[str, float]
SINGLE = ("dispatcher", "csv_log", "alerts", "active_learning")
NAMES = (*SINGLE, "worker-0", "worker-1", "camera-0")


@pytest.fixture
def port() -> int:
    """One that nobody listens on."""
    return free_port()


def get(port: int, page: str) -> tuple[int, bytes]:
    """HTTP status and body; status 0 while nobody listens."""
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", page)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


def health(port: int) -> tuple[int, dict[str, Any]]:
    status, body = get(port, "/healthz")
    return status, json.loads(body) if body else {}


def states(port: int) -> dict[str, str]:
    """What each process does."""
    return {process["name"]: process["state"] for process in health(port)[1].get("processes", ())}


def samples(port: int) -> Samples:
    """`name{label="value"}` → value."""
    _, body = get(port, "/metrics")
    found: Samples = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            labels = ",".join(f'{key}="{value}"' for key, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


# -- a running line -------------------------------------------------------------------------------


def test_a_line_at_work_answers_with_its_figures(
    tmp_path: Path, tiny_model: Path, port: int
) -> None:
    arguments = ("--model", tiny_model, "--interval", 0.04, "--workers", 2, "--active-learning")
    metrics = ("--set", f"metrics.port={port}")
    with RunningLine(tmp_path / "run", *arguments, *metrics) as line:
        line.wait_for_rows(20)
        for stage in ("camera", "csv_log"):
            name = f'scrapline_stage_items_total{{stage="{stage}"}}'
            poll(lambda name=name: samples(port).get(name, 0) >= 20, name)
        poll(lambda: states(port) == dict.fromkeys(NAMES, "ready"), "the followers")
        status, facts = health(port)
        figures = samples(port)

        assert (status, facts["status"], facts["stages_down"]) == (200, "ok", [])
        assert facts["phase"] == "running"
        assert all(p["heard_age_s"] < 10 for p in facts["processes"])
        assert figures["scrapline_healthy"] == 1
        assert figures['scrapline_stage_items_total{stage="camera"}'] >= 20
        rows = sum(v for name, v in figures.items() if name.startswith("scrapline_verdicts_total"))
        assert rows == figures['scrapline_stage_items_total{stage="csv_log"}']
        answered = figures['scrapline_stage_items_total{stage="worker"}']
        assert figures["scrapline_decision_latency_seconds_count"] == answered
        assert figures['scrapline_decision_latency_seconds_bucket{le="+Inf"}'] == answered
        assert 'scrapline_decision_latency_seconds_bucket{le="0.75"}' in figures
        assert figures["scrapline_last_row_age_seconds"] < 30
        assert figures['scrapline_queue_depth_items{queue="camera-0_window"}'] <= 32
        assert figures["scrapline_malformed_messages_total"] == 0
        for process, part in (("worker-0", "inference"), ("camera-0", "pictures")):
            name = f'scrapline_processor_seconds_total{{part="{part}",process="{process}"}}'
            poll(lambda name=name: samples(port).get(name, 0) > 0, name)
        billed = {n: v for n, v in samples(port).items() if n.startswith("scrapline_processor")}
        line.interrupt()
        _, summary = line.finish()
        assert_accounted(summary, line.rows())
    assert_billed(summary, billed)
    assert get(port, "/healthz")[0] == 0


def assert_billed(summary: dict[str, Any], before: Samples) -> None:
    """All processes, no less than was known while they lived; and the machine's figures."""
    bill, machine = summary["processor"], summary["machine"]
    assert set(bill["processes"]) == {*NAMES, "supervisor"}
    for name, figures in bill["processes"].items():
        for part, seconds in figures["parts"].items():
            sample = f'scrapline_processor_seconds_total{{part="{part}",process="{name}"}}'
            assert seconds >= before.get(sample, 0.0) - 0.01
        assert figures["seconds"] == pytest.approx(sum(figures["parts"].values()), abs=0.001)
    assert bill["items"] == summary["items"]["logged"]
    served_ms = 1000 * (bill["seconds"] - bill["starting_s"])
    assert bill["ms_per_item"] == pytest.approx(served_ms / bill["items"], rel=0.01)
    if machine is not None:  # the run was long enough, on a system that says
        assert 0 < machine["full_s"] + machine["sampled_s"] < 600
        assert all(0 <= machine[who]["p95"] <= 1 for who in ("line", "others", "steal"))
        assert machine["line"]["mean"] > 0


def test_a_stage_that_is_down_is_told_and_counted(
    tmp_path: Path, tiny_model: Path, port: int
) -> None:
    """The only worker is killed, and comes back."""
    arguments = ("--model", tiny_model, "--interval", 0.04, "--workers", 1)
    with RunningLine(tmp_path / "run", *arguments, "--set", f"metrics.port={port}") as line:
        poll(lambda: health(port)[0] == 200, "the line is well")
        line.kill("worker-0", signal.SIGKILL)
        status, facts = poll(
            lambda: answer if (answer := health(port))[0] == 503 else None, "a stage is down"
        )
        assert (status, facts["status"], facts["stages_down"]) == (503, "stage down", ["workers"])
        poll(lambda: health(port)[0] == 200, "the worker is back")
        assert samples(port)['scrapline_restarts_total{role="worker"}'] == 1
        line.interrupt()
        line.finish()


def test_a_port_in_use_is_one_line_at_the_start(tmp_path: Path, tiny_model: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        options = ("--model", tiny_model, "--run-dir", tmp_path / "run", "--items", 3)
        ran = called("run", *options, "--set", f"metrics.port={port}")
    assert ran.returncode == 2
    assert ran.stderr.strip().splitlines() == [
        f"error: metrics.port: 127.0.0.1:{port}: Address already in use"
    ]
    assert not (tmp_path / "run").exists()


# -- the exporter by itself -----------------------------------------------------------------------


@pytest.fixture
def exporter(port: int) -> Iterator[Exporter]:
    with Exporter(port) as exporter:
        yield exporter


def status(*processes: ProcessState, phase: str = "running") -> Status:
    shown = Status(load(environment={}), phase=phase)
    shown.processes = list(processes)
    return shown


def process(name: str, role: str, state: str = "ready", heard_s_ago: float = 0.0) -> ProcessState:
    return ProcessState(name, role, 99, 1, state, monotonic() - heard_s_ago)


def well() -> list[ProcessState]:
    return [
        process("dispatcher", "dispatcher"),
        process("csv_log", "sink"),
        process("worker-0", "worker"),
        process("worker-1", "worker"),
        process("camera-0", "camera"),
    ]


def test_before_the_first_look_a_line_is_starting(exporter: Exporter, port: int) -> None:
    assert health(port) == (503, {"status": "starting"})
    assert get(port, "/metrics") == (200, b"")


def test_there_is_nothing_else(exporter: Exporter, port: int) -> None:
    assert get(port, "/")[0] == 404
    assert get(port, "/metrics?x=1")[0] == 200


def test_it_listens_on_the_loopback_alone(exporter: Exporter, port: int) -> None:
    listening = Path("/proc/net/tcp").read_text().splitlines()[1:]
    mine = [line.split()[1] for line in listening if line.split()[1].endswith(f":{port:04X}")]
    assert mine[0] == f"0100007F:{port:04X}"


def test_a_client_that_says_nothing_delays_neither_the_line_nor_the_end(port: int) -> None:
    with Exporter(port) as exporter, socket.create_connection(("127.0.0.1", port)):
        looks = threading.Thread(
            target=lambda: [exporter.update(status(*well())) for _ in range(100)]
        )
        looks.start()
        looks.join(20)
        assert not looks.is_alive()
        poll(lambda: health(port)[0] == 200, "the next client is served")


REQUEST = b"GET /metrics HTTP/1.1\r\nHost: a\r\n"


def trickle(port: int, ended: threading.Event, cut_off: threading.Event) -> None:
    """A client that never comes to the end of its request."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(60)
        client.sendall(REQUEST)
        while not ended.wait(0.05):
            try:
                client.sendall(b"x")
            except OSError:
                cut_off.set()
                return


def test_clients_that_trickle_hold_up_nobody_and_are_cut_off(port: int) -> None:
    ended, cut_offs = threading.Event(), [threading.Event() for _ in range(8)]
    clients = [
        threading.Thread(target=trickle, args=(port, ended, cut_off)) for cut_off in cut_offs
    ]
    try:
        with Exporter(port) as exporter:
            exporter.update(status(*well()))
            for client in clients:
                client.start()
            for _ in range(20):
                exporter.update(status(*well()))
                assert health(port)[0] == 200
            assert all(cut_off.wait(60) for cut_off in cut_offs)
    finally:
        ended.set()
        for client in clients:
            client.join()


def test_many_silent_clients_make_room_for_one_that_speaks(exporter: Exporter, port: int) -> None:
    exporter.update(status(*well()))
    with ExitStack() as stack:
        for _ in range(5 * MOST_CLIENTS):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S))
            assert threading.active_count() < 20
        exporter.update(status(*well()))
        assert health(port)[0] == 200
        assert get(port, "/metrics")[0] == 200
        open_here = [path for path in Path("/proc/self/fd").iterdir() if path.exists()]
        assert len(open_here) < 5 * MOST_CLIENTS + 2 * MOST_CLIENTS + 60


def test_a_client_that_reads_nothing_holds_up_nobody(port: int) -> None:
    large = b"x" * (1 << 26)
    pages = {"/large": lambda: (200, "a/b", large)}
    with PageServer("127.0.0.1", port, pages), socket.socket() as deaf:
        deaf.settimeout(60)
        deaf.connect(("127.0.0.1", port))
        deaf.sendall(b"GET /large HTTP/1.1\r\n\r\n")
        deaf.recv(1)
        assert get(port, "/large") == (200, large)
        poll(lambda: cut_off(deaf), "the deaf one is cut off")


def cut_off(client: socket.socket) -> bool:
    """Whether the other side has closed the connection, with something still unread here."""
    state = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state != 1  # ESTABLISHED


def test_a_page_that_takes_without_end_does_not_hold_up_the_end(port: int) -> None:
    begun, ended = threading.Event(), threading.Event()

    def stuck() -> tuple[int, str, bytes]:
        begun.set()
        ended.wait(60)
        return 200, "a/b", b""

    with PageServer("127.0.0.1", port, {"/stuck": stuck}), socket.socket() as client:
        client.connect(("127.0.0.1", port))
        client.sendall(b"GET /stuck HTTP/1.1\r\n\r\n")
        assert begun.wait(60)
    assert not ended.is_set()
    ended.set()


@pytest.mark.parametrize(
    ("said", "answered"),
    [
        (b"GET /metrics HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 "),
        (b"HEAD /metrics HTTP/1.0\r\n\r\n", b"HTTP/1.1 200 "),
        (b"GET /metrics HTTP/1.1\n\n", b"HTTP/1.1 "),
        (b"POST /metrics HTTP/1.1\r\n\r\nbody", b"HTTP/1.1 405 "),
        (b"GET /../etc/passwd HTTP/1.1\r\n\r\n", b"HTTP/1.1 404 "),
        (b"\xff\xfe\x00 \r\n\r\n", b"HTTP/1.1 400 "),
        (b"\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET /metrics\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET /" + b"x" * 9000, b"HTTP/1.1 431 "),
    ],
)
def test_whatever_is_said_is_answered(
    exporter: Exporter, port: int, said: bytes, answered: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as client:
        client.sendall(said)
        answer = b"".join(iter(lambda: client.recv(1 << 16), b""))
    assert answer.startswith(answered)
    assert get(port, "/metrics")[0] == 200


def test_a_page_that_goes_wrong_is_said_and_ends_nothing(port: int) -> None:
    def wrong() -> tuple[int, str, bytes]:
        raise ValueError("x")

    with PageServer("127.0.0.1", port, {"/wrong": wrong, "/right": lambda: (200, "a/b", b"y")}):
        assert get(port, "/wrong") == (500, b"An error of this page: ValueError\n")
        assert get(port, "/right") == (200, b"y")


@pytest.mark.parametrize(
    ("change", "down"),
    [
        ({}, []),
        ({"worker-0": "restarting"}, []),  # the other one stands in for it
        ({"worker-0": "restarting", "worker-1": "gone"}, ["workers"]),
        ({"csv_log": "starting"}, ["csv_log"]),
        ({"dispatcher": "restarting"}, ["dispatcher"]),
        ({"camera-0": "restarting"}, ["camera-0"]),
        ({"camera-0": "gone"}, []),  # its belt has ended
    ],
)
def test_workers_stand_in_for_one_another_and_nobody_else(
    exporter: Exporter, port: int, change: dict[str, str], down: list[str]
) -> None:
    changed = [process(p.name, p.role, change.get(p.name, "ready")) for p in well()]
    exporter.update(status(*changed))
    code, facts = health(port)
    assert (code, facts["stages_down"]) == (503 if down else 200, down)


def test_a_process_that_is_not_heard_of_hangs(exporter: Exporter, port: int) -> None:
    silent = [process(p.name, p.role, heard_s_ago=100 * (p.role == "worker")) for p in well()]
    exporter.update(status(*silent))
    code, facts = health(port)
    assert (code, facts["stages_down"]) == (503, ["workers"])
    assert {p["state"] for p in facts["processes"] if p["role"] == "worker"} == {"hung"}
    assert samples(port)['scrapline_process_up{process="worker-0"}'] == 0


def test_a_line_is_stuck_where_items_wait_and_no_row_comes() -> None:
    found = status(*well())
    begin = found.moved
    found.belts["camera-0"] = {"fed": 3}
    found.note_movement(begin + 60)
    assert found.moved == begin
    snapshot = replace(Snapshot.of(found), moved=begin)
    assert snapshot.health(begin + 1) == "ok"
    heard = tuple(replace(p, heard=begin + 60) for p in snapshot.processes)
    assert replace(snapshot, taken=begin + 60, processes=heard).health(begin + 60) == "stuck"
    found.stats = {"logged": 1}
    found.note_movement(begin + 61)
    assert found.moved == begin + 61


def test_a_line_without_anything_to_do_is_not_stuck() -> None:
    found = status(*well())
    found.belts["camera-0"] = {"fed": 0}
    found.note_movement(found.moved + 1000)
    assert found.moved > monotonic() + 900


def test_a_supervisor_that_looks_no_more_is_noticed() -> None:
    snapshot = Snapshot.of(status(*well()))
    assert snapshot.health(snapshot.taken + 1) == "ok"
    assert snapshot.health(snapshot.taken + 60) == "supervisor silent"


@pytest.mark.parametrize(
    ("phase", "code"), [("starting", 503), ("draining", 200), ("stopping", 200)]
)
def test_a_line_that_starts_is_not_ready_and_one_that_ends_is_well(
    exporter: Exporter, port: int, phase: str, code: int
) -> None:
    exporter.update(status(*(well() if phase == "draining" else ()), phase=phase))
    assert health(port)[0] == code


def test_reasons_and_restarted_counters_are_told(exporter: Exporter, port: int) -> None:
    shown = status(*well())
    stats = {"kind": "stats", "reasons": {"dropped": {'a "reason"\n': 3}}, "verdicts": {"late": 2}}
    shown.take("csv_log", stats)
    for count in (5, 2, 4):  # the dispatcher was restarted after the first
        shown.take("dispatcher", {"kind": "flow", "malformed": count})
    shown.take("worker-0", {"kind": "beat", "malformed": 1})
    shown.take("dispatcher", {"kind": "flow", "strangers": 3})
    shown.take("alerts", {"kind": "follower", "behind_rows": 17})
    exporter.update(shown)
    figures = samples(port)
    assert figures["scrapline_malformed_messages_total"] == 10
    assert figures["scrapline_refused_connections_total"] == 3
    assert figures['scrapline_follower_behind_rows{process="alerts"}'] == 17
    assert figures['scrapline_drops_total{reason="a "reason"\n",verdict="dropped"}'] == 3
    assert figures['scrapline_verdicts_total{verdict="late"}'] == 2


def test_a_taken_port_is_bad_input(exporter: Exporter, port: int) -> None:
    with pytest.raises(BadInput, match=rf"metrics\.port: 127\.0\.0\.1:{port}"):
        Exporter(port)


@pytest.mark.parametrize(("speed", "deadline_s"), [("1", 0.75), ("3", 0.25)])
def test_the_deadline_is_a_bucket_bound(speed: str, deadline_s: float) -> None:
    bounds = bucket_bounds_s(load(assignments=[f"line.speed={speed}"], environment={}))
    assert deadline_s in bounds
    assert list(bounds) == sorted(set(bounds))


def test_the_max_clock_has_bounds_too() -> None:
    bounds = bucket_bounds_s(load(assignments=["line.speed=max"], environment={}))
    assert list(bounds) == sorted(set(bounds))


# -- the dashboard --------------------------------------------------------------------------------

DASHBOARD = json.loads((ROOT / "docs" / "grafana.json").read_text())


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def test_the_dashboard_has_what_grafana_asks_for() -> None:
    assert DASHBOARD["id"] is None  # or it would take another one's place
    assert DASHBOARD["schemaVersion"] >= 36
    assert DASHBOARD["title"]
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    for panel in panels():
        assert panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert set(panel["gridPos"]) == {"h", "w", "x", "y"}
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len(set(refs)) > 0
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["name"], variable["type"]) == ("datasource", "datasource")


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not taken & cells, panel["title"]
        taken |= cells


def test_every_figure_of_the_dashboard_is_exported_and_the_other_way_round(
    exporter: Exporter, port: int
) -> None:
    shown = status(*well())
    shown.take("csv_log", {"kind": "stats", "last_row": monotonic()})
    exporter.update(shown)
    _, text = get(port, "/metrics")
    exported = set(re.findall(r"^# TYPE (\w+) ", text.decode(), re.MULTILINE))
    queries = " ".join(t["expr"] for panel in panels() for t in panel["targets"])
    used = set(re.findall(r"scrapline_\w+", queries))
    assert {name.removesuffix("_bucket") for name in used} == exported
