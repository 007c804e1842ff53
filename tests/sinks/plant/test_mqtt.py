"""Rows as messages to a real broker; a listener beside it hears them."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest

from benchmarks.plant.listener import Listener
from benchmarks.plant.servers import MosquittoServer, NoServer
from line.config import load
from line.connection_settings import MqttSettings
from line.errors import StorageError
from line.outcome import COLUMNS
from line.process.context import ProcessContext
from sinks.alert_file import FILE as ALERTS
from sinks.csv_log import CsvLog
from sinks.follower import LineEvent, Passed
from sinks.following import Following
from sinks.plant.mqtt import Mqtt
from sinks.plant.plant_follower import PlantFollower
from sinks.plant.run_record import read_run
from tests.made_run import make_run
from tests.ports import free_port
from tests.running_line import RunningLine, command, poll
from tests.sinks.plant.test_kills import more
from tests.sinks.plant.test_postgres import ROWS
from tests.sinks.test_csv_log import outcome
from tests.workers.test_worker import Station, station


def opened(**login: str) -> MosquittoServer:
    try:
        return MosquittoServer(free_port(), **login)
    except NoServer as error:
        pytest.skip(f"the broker is NOT tested: {error}")


@pytest.fixture
def broker() -> Iterator[MosquittoServer]:
    with opened() as broker:
        yield broker


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return make_run(tmp_path / "press 1", rows=[outcome(0)])


def settings(port: int, **more: Any) -> MqttSettings:
    return load(environment={}).mqtt.model_copy(update={"port": port, **more})


class Heard:
    """What was heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any, bool]] = []

    def __call__(self, topic: str, facts: Any, retained: bool) -> None:
        self.heard.append((topic, facts, retained))

    def of(self, kind: str) -> list[Any]:
        return [facts for topic, facts, _ in self.heard if topic.endswith(f"/{kind}")]

    def seqs(self) -> set[int]:
        return {row["seq"] for row in self.of("items")}


@pytest.fixture
def listener(broker: MosquittoServer) -> Iterator[Heard]:
    heard = Heard()
    with closing(Listener(broker.port, heard)):
        yield heard


def outlet(run_dir: Path, port: int, **more: Any) -> closing[Mqtt]:
    return closing(Mqtt(settings(port, **more), lambda: read_run(run_dir)))


def test_rows_events_and_the_state_of_the_sink_are_heard(
    broker: MosquittoServer, listener: Heard, run_dir: Path
) -> None:
    event = LineEvent("a", "restart", "of it", "2026-01-02T03:04:05+00:00", "worker-0")
    with outlet(run_dir, broker.port, in_flight=2) as mqtt:
        mqtt.put_rows(ROWS)
        mqtt.put_events([event])
        poll(lambda: len(listener.heard) == len(ROWS) + 2, "all of it")
        assert listener.of("state") == [{"state": "running"}]
    poll(lambda: listener.of("state")[-1] == {"state": "ended"}, "the end")
    assert {topic for topic, *_ in listener.heard} == {
        f"scrapline/press_1/{kind}" for kind in ("items", "alerts", "state")
    }
    wanted = [{name: getattr(row, name) for name in COLUMNS} for row in ROWS]
    assert listener.of("items") == wanted
    (heard,) = listener.of("alerts")
    assert (heard["id"], heard["kind"], heard["source"]) == ("a", "restart", "worker-0")
    late = Heard()
    with closing(Listener(broker.port, late, name="late")):
        poll(lambda: late.of("state"), "the retained state")
        assert [(facts, retained) for _, facts, retained in late.heard] == [
            ({"state": "ended"}, True)
        ]


def test_a_number_that_json_lacks_is_null(
    broker: MosquittoServer, listener: Heard, run_dir: Path
) -> None:
    with outlet(run_dir, broker.port) as mqtt:
        mqtt.put_rows([outcome(0, latency_ms=float("nan"))])
    poll(lambda: listener.of("items"), "the row")
    assert listener.of("items")[0]["latency_ms"] is None


def test_a_sink_that_died_is_told_of_by_the_broker(
    broker: MosquittoServer, listener: Heard, tmp_path: Path, tiny_model: Path
) -> None:
    options = ("--model", tiny_model, "--duration", 36_000, "--interval", 0.02, "--workers", 1)
    plant = ("--set", "mqtt.enabled=true", "--set", f"mqtt.port={broker.port}")
    with RunningLine(tmp_path / "run", *options, *plant) as line:
        poll(lambda: len(listener.seqs()) > 20, "rows")
        line.kill("mqtt")
        poll(lambda: {"state": "lost"} in listener.of("state"), "word of the death")
        poll(lambda: listener.of("state")[-1] == {"state": "running"}, "its return")
        line.interrupt()
        assert line.finish()[0] == 0
        rows = line.rows()
    poll(lambda: listener.seqs() == set(rows["seq"]), "every row")
    poll(lambda: listener.of("state")[-1] == {"state": "ended"}, "the end")
    told = {json.loads(text)["id"] for text in (tmp_path / "run" / ALERTS).read_text().splitlines()}
    poll(lambda: {event["id"] for event in listener.of("alerts")} == told, "every alert")


def test_rows_of_a_run_that_has_ended_are_published(
    broker: MosquittoServer, listener: Heard, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRAPLINE_MQTT__PORT", str(broker.port))
    done = command("sink", "mqtt", run_dir)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 rows were published, as scrapline/press 1/items" in " ".join(done.stdout.split())
    poll(lambda: listener.seqs() == {0}, "its row")
    poll(lambda: listener.of("state")[-1:] == [{"state": "ended"}], "the end")


def test_a_broker_that_is_away_is_one_line_of_the_command(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRAPLINE_MQTT__PORT", str(free_port()))
    done = command("sink", "mqtt", run_dir)
    assert done.returncode == 2
    assert done.stderr.startswith("error: MQTT: ")
    assert done.stderr.count("\n") == 1


def following(run_dir: Path, port: int) -> AbstractContextManager[Station]:
    def main(context: ProcessContext) -> None:
        mqtt = Mqtt(settings(port), lambda: read_run(run_dir))
        follower = PlantFollower(run_dir, mqtt, wait_s=context.beat_s)
        with closing(Following(context, follower, Passed(), ALERTS)) as process:
            process.run()

    return station("sink", "mqtt", main, run_dir)


def test_a_broker_that_is_killed_and_frozen_hears_every_row(
    broker: MosquittoServer, listener: Heard, run_dir: Path
) -> None:
    broker.kill(signal.SIGTERM)  # it has the listener's session on its disk from now on
    broker.start()
    with closing(CsvLog(run_dir / "results.csv")) as log, following(run_dir, broker.port):
        for begin in range(1, 400, 100):
            log.store(more(begin, 50))
            if begin < 300:
                broker.kill()
            else:
                broker.send(signal.SIGSTOP)
            log.store(more(begin + 50, 50))
            if begin < 300:
                broker.start()
            else:
                broker.send(signal.SIGCONT)
            poll(lambda end=begin + 100: listener.seqs() == set(range(end)), "every row")


def test_a_broker_that_refuses_is_one_line_without_the_password(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MQTT_PASSWORD", "wrong-one")
    with (
        opened(user="press", password="right") as broker,
        outlet(run_dir, broker.port, user="press") as mqtt,
    ):
        with pytest.raises(StorageError, match="MQTT: the broker refuses: ") as error:
            mqtt.put_rows(ROWS)
        assert "wrong-one" not in str(error.value)
        assert "\n" not in str(error.value)
        monkeypatch.setenv("MQTT_PASSWORD", "right")
        mqtt.put_rows(ROWS)
    with outlet(run_dir, 1) as mqtt, pytest.raises(StorageError, match=r"MQTT: .*refused"):
        mqtt.put_rows(ROWS)


def test_what_a_broker_may_have_lost_with_its_life_is_sent_again(
    broker: MosquittoServer, listener: Heard, run_dir: Path
) -> None:
    with outlet(run_dir, broker.port) as mqtt:
        mqtt.put_rows(more(0, 30))
        poll(lambda: len(listener.of("items")) == 30, "the rows")
        broker.kill()
        with pytest.raises(StorageError, match="MQTT: "):
            mqtt.put_rows(more(30, 1))
        broker.kill(signal.SIGTERM)
        broker.start()
        with closing(Listener(broker.port, again := Heard(), name="again")):
            mqtt.put_rows(more(30, 1))
            poll(lambda: again.seqs() == set(range(31)), "all of it")
            mqtt.put_rows(more(31, 1))
            poll(lambda: 31 in again.seqs(), "the next")
        assert len(again.of("items")) == 32
