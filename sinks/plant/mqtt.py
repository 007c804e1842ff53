"""A broker of MQTT: rows, events and alarms as plain JSON, each at least once.

TOPIC/RUN/items    a message for each row, with the columns of results.csv
TOPIC/RUN/alerts   a message for each line of alerts.jsonl
TOPIC/RUN/state    retained: running, ended, or lost, which the broker says for a sink that died
"""

from __future__ import annotations

import json
import math
import os
import re
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from threading import Event
from time import monotonic
from typing import Any

from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion

from line.connection_settings import MqttSettings
from line.errors import StorageError
from line.outcome import COLUMNS, Outcome
from line.plain_text import plain
from line.run_files.said_labels import SaidLabel
from sinks.follower import LineEvent
from sinks.plant.run_record import RunRecord

PASSWORD = "MQTT_PASSWORD"  # noqa: S105 - the variable's name
_CONNECT_S = 5.0
_ANSWER_S = 10.0
"""A broker that acknowledges nothing for so long is given up, and connected to anew."""
_KEEP_ALIVE_S = 30
_AT_LEAST_ONCE = 1
_AGAIN_S = 10.0
_MOST_AGAIN = 5000
"""A broker that is killed loses what it has acknowledged and not handed on. So what it acknowledged
in the last seconds before its end is sent again, up to so many messages."""
_Message = tuple[str, str]
"""Topic and text."""
_LOOK_S = 0.2
_SAME = ("id", "level", "text", "at", "frame_id", "priority", "clears")


class Mqtt:
    """An `Outlet`; it connects when there is something to put, and again after any error.

    `record` reads what is known of the run. A message that the broker has not acknowledged is
    forgotten with the connection: it comes again, because its row was not passed.
    """

    def __init__(self, settings: MqttSettings, record: Callable[[], RunRecord]) -> None:
        self._settings = settings
        self._record = record
        self._client: Client | None = None
        self._topic = ""
        self._welcome = Event()
        """the broker has answered to the greeting"""
        self._why = ""
        """the connection is of no use any more"""
        self._recent: deque[tuple[float, _Message]] = deque(maxlen=_MOST_AGAIN)
        """acknowledged, and when, in monotonic time"""
        self._broke = math.inf
        """monotonic time at which a connection broke since all was well"""

    def put_rows(self, rows: Sequence[Outcome]) -> None:
        self._publish("items", (_json({n: getattr(row, n) for n in COLUMNS}) for row in rows))

    def put_events(self, events: Sequence[LineEvent]) -> None:
        self._publish("alerts", map(_event, events))

    def put_labels(self, labels: Sequence[SaidLabel]) -> None:
        """Labels change, and messages do not: they are for the database."""

    def close(self) -> None:
        if self._client is not None and not self._why:
            with suppress(StorageError, OSError, RuntimeError, ValueError):
                self._say(self._client, "ended")
        self._let_go()

    # -- inside -----------------------------------------------------------------------------------

    def _publish(self, kind: str, texts: Iterable[str]) -> None:
        """Raises StorageError if one of them is not acknowledged."""
        try:
            client = self._client or self._connected()
            topic = f"{self._topic}/{kind}"
            self._send(client, ((topic, text) for text in texts))
        except (OSError, RuntimeError, ValueError) as error:
            self._let_go()
            raise StorageError(f"MQTT: {plain(str(error), 1000)}") from None
        except StorageError:
            self._let_go()
            raise

    def _send(self, client: Client, messages: Iterable[_Message]) -> None:
        """Returns when all are acknowledged."""
        waiting: deque[tuple[MQTTMessageInfo, _Message]] = deque()
        for topic, text in messages:
            if len(waiting) >= self._settings.in_flight:
                self._acknowledged(*waiting.popleft())
            info = client.publish(topic, text, _AT_LEAST_ONCE)
            waiting.append((info, (topic, text)))
        while waiting:
            self._acknowledged(*waiting.popleft())

    def _acknowledged(self, info: MQTTMessageInfo, message: _Message) -> None:
        self._wait(info)
        self._recent.append((monotonic(), message))

    def _send_again(self, client: Client) -> None:
        """What the broker may have lost; after an error all of it comes once more."""
        again = [message for at, message in self._recent if at > self._broke - _AGAIN_S]
        self._send(client, again)
        self._recent = deque(((monotonic(), message) for message in again), _MOST_AGAIN)
        self._broke = math.inf

    def _say(self, client: Client, state: str) -> None:
        """The state of the sink, which the broker keeps for whoever asks later."""
        text = _state(state)
        self._wait(client.publish(f"{self._topic}/state", text, _AT_LEAST_ONCE, retain=True))

    def _wait(self, message: MQTTMessageInfo) -> None:
        left_s = _ANSWER_S
        while not message.is_published():
            if self._why or left_s <= 0:
                raise StorageError(f"MQTT: {self._why or 'the broker acknowledges nothing'}")
            message.wait_for_publish(_LOOK_S)
            left_s -= _LOOK_S

    def _connected(self) -> Client:
        record, settings = self._record(), self._settings
        name = re.sub(r"[^\w.-]", "_", record.name)
        self._topic = f"{settings.topic}/{name}"
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"scrapline-{record.uid}",
            clean_session=False,
            reconnect_on_failure=False,
        )
        client.connect_timeout = _CONNECT_S
        client.max_inflight_messages_set(settings.in_flight)
        client.will_set(f"{self._topic}/state", _state("lost"), _AT_LEAST_ONCE, retain=True)
        if settings.user:
            client.username_pw_set(settings.user, os.environ.get(PASSWORD))
        if settings.tls:
            client.tls_set_context(ssl.create_default_context())
        client.on_connect = self._hear_welcome
        client.on_disconnect = self._hear_farewell
        self._welcome.clear()
        self._why = ""
        client.connect(settings.host, settings.port, keepalive=_KEEP_ALIVE_S)
        self._client = client
        client.loop_start()
        if not self._welcome.wait(_CONNECT_S) or self._why:
            raise StorageError(f"MQTT: {self._why or 'the broker does not answer'}")
        self._say(client, "running")
        self._send_again(client)
        return client

    def _let_go(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()

    # -- called by the client's own thread --------------------------------------------------------

    def _hear_welcome(self, _c: Any, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        if reason.is_failure:
            self._why = f"the broker refuses: {reason}"
        self._welcome.set()

    def _hear_farewell(self, _c: Any, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        self._broke = min(self._broke, monotonic())
        self._why = self._why or f"the connection is lost: {reason}"
        self._welcome.set()


def _event(event: LineEvent) -> str:
    """With the names that alerts.jsonl has."""
    facts = {name: getattr(event, name) for name in _SAME}
    return _json({**facts, "kind": event.event, "source": event.process})


def _state(state: str) -> str:
    return _json({"state": state})


def _json(facts: dict[str, Any]) -> str:
    """As JSON has it, which knows no infinite number."""
    try:
        return json.dumps(facts, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return json.dumps({name: _finite(value) for name, value in facts.items()})


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
