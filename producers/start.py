"""From a camera that is ready to a belt that runs: the pictures it begins with, and its moment."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from line.process.client import Client
from producers.ahead.lead import Lead

_TELL_S = 0.2


@dataclass(frozen=True, slots=True)
class Start:
    """Monotonic times: of belt second 0, and from which on this camera sees what passes."""

    zero: float
    since: float


def await_start(client: Client, lead: Lead | None, wanted: int | None) -> Start | None:
    """Wait for the moment at which the belt starts to run; None if the supervisor wants an end.

    That moment is belt second 0, unless the run is resumed. The belt of all lanes waits for the
    pictures that it is to begin with, `wanted` of them if that is known; a camera that comes when
    it runs does not.

    Raises:
        StageDied: if all pictures are to be made before, and there is no room for them.
    """
    came = monotonic()
    preparation = _Preparation(client, lead, wanted)
    begin: float | None = None
    while not client.stop and client.orphaned is None:
        client.exchange(begin)
        preparation.turn()
        orders = [order for order in client.orders if order["kind"] == "start"]
        if orders:
            begin = float(orders[-1]["begin"])
            if monotonic() >= begin:
                return Start(float(orders[-1]["zero"]), max(came, begin))
    return None


class _Preparation:
    """Tells the supervisor how far the pictures are that the belt begins with."""

    def __init__(self, client: Client, lead: Lead | None, wanted: int | None) -> None:
        context = client.context
        self._channel = context.channel
        self._lead = lead
        self._wanted = wanted
        self._is_done = False
        self._next = 0.0
        makes_all = context.settings.camera.prepare == "all"
        longest_s = float("inf") if makes_all else context.settings.supervisor.start_s
        self._until = monotonic() + longest_s
        if lead is not None:
            client.watch(lead.fileno())

    def turn(self) -> None:
        if self._lead is not None:
            self._lead.turn()
        now = monotonic()
        is_done = self._lead is None or self._lead.is_built or now > self._until
        if self._is_done or not (is_done or now >= self._next):
            return
        self._is_done, self._next = is_done, now + _TELL_S
        made = 0 if self._lead is None else self._lead.made
        self._channel.send("preparing", made=made, wanted=self._wanted, done=is_done)
