"""The port that the console listens at, taken before anything is loaded or said."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from line.console_settings import ConsoleSettings
from line.errors import BadInput


def take_port(settings: ConsoleSettings) -> socket.socket:
    """A socket that listens where the settings say. Raises BadInput if the port is taken."""
    family = socket.AF_INET6 if ip_address(settings.host).version == 6 else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen()
    except OSError as error:
        listener.close()
        where = f"{settings.host}:{settings.port}"
        raise BadInput(f"console.port: {where}: {error.strerror or error}") from None
    return listener
