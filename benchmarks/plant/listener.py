"""Somebody who hears what a line publishes to a broker of MQTT."""

from __future__ import annotations

import json
from collections.abc import Callable
from threading import Event
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

_PATIENCE_S = 120.0

Hear = Callable[[str, Any, bool], None]
"""Topic, content, whether it was retained."""


class Listener:
    """Tells `hear` of everything, in a thread of its own; to be closed.

    Its session survives at the broker, and it connects again by itself.
    """

    def __init__(self, port: int, hear: Hear, *, name: str = "listener") -> None:
        self._hear = hear
        self._listens = Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = lambda *_: self._listens.set()
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._listens.wait(_PATIENCE_S), "no subscription"

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, client: Client, *_: object) -> None:
        client.subscribe("scrapline/#", 1)

    def _take(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self._hear(message.topic, json.loads(message.payload), message.retain)
