"""A line whose workers a real cluster of several nodes on this machine has."""

from __future__ import annotations

import signal
from pathlib import Path

from benchmarks.scale.cluster import Cluster, send
from tests.ports import free_port
from tests.running_line import RunningLine, assert_accounted, called, poll
from tests.tiny_model import write_tiny_model


def test_every_item_has_one_row_though_a_node_dies(
    cluster: Cluster, tiny_model: Path, tmp_path: Path
) -> None:
    options = ("--workers", 2, "--speed", "max", "--items", 400, "--model", tiny_model)
    with RunningLine(tmp_path / "run", *options, *on(cluster)) as line:
        poll(lambda: {"ray-0", "ray-1"} <= workers_of(line), "both workers answer")
        send(cluster.raylets()[-1], signal.SIGKILL)
        status, summary = line.finish()
        rows = line.rows()
    cluster.add_node()
    assert status == 0
    assert_accounted(summary, rows)
    assert summary["verdicts"]["failed"] == 0
    assert " has joined on this machine" in (tmp_path / "run" / "events.jsonl").read_text()


def test_workers_come_and_go_change_their_model_and_are_replaced_here_without_a_cluster(
    cluster: Cluster, tiny_model: Path, tmp_path: Path
) -> None:
    other = write_tiny_model(tmp_path / "other.onnx", work=1)
    endless = ("--duration", 36_000, "--interval", 0.05)
    options = ("--workers", 1, *endless, "--model", tiny_model)
    settings = on(cluster, "placement.local_after_s=2", "placement.own_machine=tcp")
    with RunningLine(tmp_path / "run", *options, *settings) as line:
        poll(lambda: workers_of(line) == {"ray-0"}, "the worker answers")
        order(line, "workers", "count=2")
        poll(lambda: workers_of(line) == {"ray-0", "ray-1"}, "another one answers")
        order(line, "workers", "count=1")
        order(line, "swap", f"model={other}")
        poll(lambda: line.rows()["model"].nunique() == 2, "the other model answers")
        cluster.kill_head()
        cluster.kill_all()
        poll(lambda: "worker-0" in workers_of(line), "a local worker answers")
        cluster.start_head()
        cluster.add_node()
        line.interrupt()
        status, summary = line.finish()
        rows = line.rows()
    cluster.add_node()
    assert status == 0
    assert_accounted(summary, rows)
    assert "placement_local" in (tmp_path / "run" / "events.jsonl").read_text()


def test_workers_that_find_no_way_are_told_of_and_replaced_here(
    cluster: Cluster, tiny_model: Path, tmp_path: Path
) -> None:
    listens = f"transport.listen=tcp://127.0.0.1:{free_port()}"
    hasty = ("supervisor.start_s=20", "placement.local_after_s=1")
    options = ("--workers", 1, "--items", 20, "--interval", 0.05, "--model", tiny_model)
    way = ("placement.route=127.0.0.2", "placement.own_machine=tcp")
    settings = on(cluster, listens, *way, *hasty)
    with RunningLine(tmp_path / "run", *options, *settings) as line:
        status, summary = line.finish()
        rows = line.rows()
    assert status == 0
    assert_accounted(summary, rows)
    told = (tmp_path / "run" / "events.jsonl").read_text()
    assert "placement ray-0 on node " in told
    assert " does not come to tcp://127.0.0.2:" in told
    assert "no worker on the cluster" in told


def test_workers_move_to_a_node_that_comes_but_not_to_one_where_none_can_serve(
    cluster: Cluster, tiny_model: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "packages" / "onnxruntime.py"
    broken.parent.mkdir()
    broken.write_text("raise ModuleNotFoundError('not for this processor', name='onnxruntime')")
    room = (2, '--resources={"room": 2}')
    nodes = [cluster.add_node(*room)]
    endless = ("--duration", 36_000, "--interval", 0.05)
    options = ("--workers", 2, *endless, "--model", tiny_model)
    events = tmp_path / "run" / "events.jsonl"
    with RunningLine(
        tmp_path / "run", *options, *on(cluster, "placement.resources={room = 1}")
    ) as line:
        poll(lambda: workers_of(line) == {"ray-0", "ray-1"}, "both workers answer")
        nodes.append(cluster.add_node(*room, PYTHONPATH=str(broken.parent)))
        poll(lambda: " is left out: " in events.read_text(), "the broken node is told of")
        nodes.append(cluster.add_node(*room))
        poll(lambda: " a worker moves from " in events.read_text(), "a worker moves")
        poll(lambda: len(workers_of(line)) == 3, "the one that moved answers")
        line.interrupt()
        status, summary = line.finish()
        rows = line.rows()
    for node in nodes:
        send(node, signal.SIGKILL)
    assert status == 0
    assert_accounted(summary, rows)
    told = events.read_text()  # the worker that moved has given back all that it held
    assert told.count(" is left out: ") == 1
    assert "not for this processor" in told
    assert '"remote_lost"' not in told


def order(line: RunningLine, *words: str) -> None:
    done = called("order", line.run_dir, *words)
    assert done.returncode == 0, done.stderr


def on(cluster: Cluster, *more: str) -> tuple[str, ...]:
    """The runner's options for a line on it; what a dead worker held goes to others soon."""
    address = f"placement.address={cluster.address}"
    settings = ("placement.kind=ray", address, "supervisor.hang_s=10", *more)
    return tuple(text for each in settings for text in ("--set", each))


def workers_of(line: RunningLine) -> set[str]:
    """Whose answers stand in the log so far."""
    if not line.rows_written():
        return set()
    return set(line.rows()["worker"].dropna().str.partition("#")[0])
