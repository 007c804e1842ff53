"""The setting of the remote socket through which workers on other machines come in."""

from __future__ import annotations

import re

from pydantic import Field

from line.section import PathText, Section


def is_tcp_address(text: str) -> bool:
    """Whether `text` is `tcp://HOST:PORT`, where HOST may be an IPv6 address in brackets."""
    found = re.fullmatch(
        r"tcp://(?:\*|[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+(?:%\w+)?\]):([0-9]{1,5})", text
    )
    return found is not None and 0 < int(found[1]) < 1 << 16


class TransportSettings(Section):
    listen: str = Field(description="tcp://HOST:PORT for workers on other machines; empty = none")
    keys: PathText = Field(description="folder that `run_line.py keys` has made")

    def fault(self, workers: int | str) -> str | None:
        """What is wrong with it, beginning with the key to blame; `workers` of this machine."""
        if self.listen and not is_tcp_address(self.listen):
            return f"transport.listen: must be tcp://HOST:PORT or empty, not {self.listen!r}"
        if self.listen and not self.keys:
            return "transport.keys: nobody is let in without keys; name their folder"
        if workers == 0 and not self.listen:
            return "line.workers: must be 1 or more unless transport.listen is set"
        return None
