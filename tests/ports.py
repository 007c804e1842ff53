"""Ports for servers of a test."""

from __future__ import annotations

import random
import socket

_RANGE = range(10_240, 32_768)
"""Below those that Linux gives to clients: one that asks for a port there where nobody listens yet
may be given the same port, and is connected to itself."""
_ANY = random.SystemRandom()
"""Training seeds the common generator: tests beside each other would be given the same ports."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody used a moment ago."""
    while True:
        port = _ANY.choice(_RANGE)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
