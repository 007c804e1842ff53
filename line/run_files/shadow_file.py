"""shadow.csv: what a shadow model said of items beside the model that decided them."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from line.plain_text import cells_of
from pictures.regular_file import open_regular

FILE = "shadow.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRow:
    """One item, one answer of each; both times are wall time of the inference that answered."""

    frame_id: str
    true_class: str | None
    served_model: str
    served_class: str
    served_confidence: float
    served_inference_ms: float | None
    shadow_model: str
    shadow_class: str
    shadow_confidence: float
    shadow_inference_ms: float


COLUMNS = tuple(field.name for field in fields(ShadowRow))


class ShadowFile:
    """Context manager: appends to RUN_DIR/shadow.csv, each row with one write."""

    def __init__(self, run_dir: Path) -> None:
        fd = open_regular(run_dir / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, only_ours=True)
        self._file = os.fdopen(fd, "ab", buffering=0)
        if not self._file.tell():
            self._file.write(_line(COLUMNS))

    def __enter__(self) -> ShadowFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, row: ShadowRow) -> None:
        """Raises OSError without room; then nothing of the row stands there."""
        whole, line = self._file.tell(), _line(cells_of(astuple(row)))
        if self._file.write(line) != len(line):
            self._file.truncate(whole)


def _line(cells: Sequence[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()
