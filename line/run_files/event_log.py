"""`RUN_DIR/events.jsonl`: what happens to the line itself, one JSON object a line.

`{"id": "restart-worker-0#1", "event": "restart", "text": "worker-0 …", "at": ISO time, UTC}`. The
supervisor writes it; whoever wants to know of it reads the file at a pace of its own.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path

from line.plain_text import plain
from line.run_files.line_file import LineFile
from line.run_files.run_folder import now_iso

FILE = "events.jsonl"
_RECENT_IDS = 8192


class EventLog:
    """Of one run, over all its sessions. Never waits for the disk and never raises.

    Ids are unique in the run. One that was given before by this process is not written twice.
    """

    def __init__(self, run_dir: Path) -> None:
        self._file = LineFile(run_dir / FILE)
        self._known: OrderedDict[str, None] = OrderedDict()

    def append(self, event_id: str, event: str, text: str) -> None:
        """Something happened. Without room on the disk it is written when there is some."""
        if event_id in self._known:
            return
        self._known[event_id] = None
        if len(self._known) > _RECENT_IDS:
            self._known.popitem(last=False)
        record = {
            "id": plain(event_id),
            "event": plain(event),
            "text": plain(text, 1000),
            "at": now_iso(),
        }
        self._file.append(json.dumps(record, ensure_ascii=False).encode() + b"\n")

    def flush(self) -> None:
        """Try again to write what waits."""
        self._file.flush()
