"""The belt of the lane that a camera has, and what is ordered of it while it runs."""

from __future__ import annotations

from functools import partial

import simpy

from line.belt_changes import from_note, is_paused
from line.belt_time import Clock
from line.events import Drift
from line.process.client import Client
from line.settings import Settings
from producers.belt import Belt, Observer, Stage
from producers.feed import Feed, FeedMark


def belt_of(
    env: simpy.Environment,
    settings: Settings,
    lane: int,
    feed: Feed,
    observe: Observer,
    first: FeedMark,
) -> Belt:
    """A lane's belt, with what the scenario does to its speed.

    Of what lies behind the photo-eye it tells of the end alone: nobody does anything before.
    """
    drifts = [e for e in settings.events if isinstance(e, Drift) and e.index == lane]
    return Belt(env, settings.belt, feed, observe, drifts, first, behind=(Stage.END,))


class Lane:
    """Owns the belt; keeps it and its clock to the supervisor's orders.

    On the `max` clock a belt that is paused is not stepped, and so remains the same belt.
    """

    def __init__(
        self,
        env: simpy.Environment,
        client: Client,
        clock: Clock,
        feed: Feed,
        observe: Observer,
        first: FeedMark,
    ) -> None:
        """`first`: the last item that stands in every sink; it brings the belt's time along."""
        self._client = client
        self._clock = clock
        settings, lane = client.context.settings, client.context.index
        self.belt = belt_of(env, settings, lane, feed, observe, first)
        if lane == 0:  # the line has one clock for its events: the first lane's
            for number, event in enumerate(settings.events):
                self.belt.at(
                    event.at_s, partial(client.context.channel.send, "event", number=number)
                )
        self._is_paused = False
        self.handle_orders()

    @property
    def is_held(self) -> bool:
        """The belt of the `max` clock stands still; not for somebody who wants it to run empty."""
        return self._is_paused and not self._client.drain

    def handle_orders(self) -> bool:
        """Follow what the supervisor has said of the belts; the last note says it all.

        True if items may come to the photo-eye at other moments than they were to.
        """
        told = [note["changes"] for note in self._client.orders if "changes" in note]
        self._client.orders.clear()
        if not told:
            return False
        changes = from_note(told[-1])
        if self._clock.is_paced:
            self._clock.follow(changes)
            self.belt.follow(changes)
            return True
        self._is_paused = is_paused(changes)
        return False
