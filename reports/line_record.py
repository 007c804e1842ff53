"""`line.mcap`: what became of the recorded items, and what happened to the line, beside the lanes.

Opened in Foxglove together with `camera-N.mcap`, it writes on each picture what became of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from foxglove_schemas_protobuf.Color_pb2 import Color
from foxglove_schemas_protobuf.ImageAnnotations_pb2 import ImageAnnotations
from foxglove_schemas_protobuf.Log_pb2 import Log
from foxglove_schemas_protobuf.Point2_pb2 import Point2
from foxglove_schemas_protobuf.TextAnnotation_pb2 import TextAnnotation

from line.outcome import Outcome, Verdict
from line.run_files.mcap_file import McapFile, timestamp
from line.run_files.recording import parts, read_lane
from line.run_files.results import FILE as RESULTS
from reports.alerts import every_alert
from reports.folder import RunFiles, read_files, replacing
from reports.results import ResultsFile

FILE = "line.mcap"
_CHUNK_ROWS = 1000
_FONT_PX = 14
_GOOD = Color(r=0.4, g=0.9, b=0.4, a=1)
_DOUBTFUL = Color(r=1.0, g=0.8, b=0.2, a=1)
_BAD = Color(r=1.0, g=0.4, b=0.4, a=1)
_COLOURS = {
    Verdict.SORTED: _GOOD,
    Verdict.RESIDUE_OK: _GOOD,
    Verdict.LOW_CONFIDENCE: _DOUBTFUL,
}
_LEVELS = {"event": Log.INFO, "alarm": Log.ERROR}


def write_line_record(run_dir: Path) -> Path:
    """Write the file anew for a run whose lanes were recorded; returns its path.

    Raises BadInput, naming the file, where `run_dir` is no run folder or a file in it is damaged.
    """
    run = read_files(run_dir)
    path = run_dir / FILE
    with replacing(path) as draft, closing(McapFile(draft.open("wb"))) as file:
        _write_results(run, file)
        _write_incidents(run, file)
        file.finish()
    return path


def _write_results(run: RunFiles, file: McapFile) -> None:
    results = file.json_channel("/line/result", Outcome)
    labels: dict[int, int] = {}
    triggers: dict[int, _Triggers] = {}
    for rows in ResultsFile(run.path / RESULTS):
        for number, row in enumerate(_records(rows), 1):
            camera = row["camera"]
            if camera not in labels:
                topic = f"/camera-{camera}/verdict"
                labels[camera] = file.protobuf_channel(topic, ImageAnnotations)
                triggers[camera] = _Triggers(run, camera)
            at_ns = triggers[camera].of(row)
            file.add(labels[camera], at_ns, _label(row, at_ns).SerializeToString())
            file.add_json(results, at_ns + round(1e6 * (row["latency_ms"] or 0)), row)
            if number % _CHUNK_ROWS == 0:
                file.end_chunk()
        file.end_chunk()


def _records(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    cells = rows.astype(object)
    cells = cells.where(cells.notna(), None)
    names = [str(name) for name in cells.columns]
    return (dict(zip(names, row, strict=True)) for row in cells.itertuples(index=False))


class _Triggers:
    """When a lane's items were triggered, by the wall clock."""

    def __init__(self, run: RunFiles, camera: int) -> None:
        self._items = read_lane(run.path, camera).items if parts(run.path, camera) else {}
        speed = run.speed
        self._ns_per_belt_s = 0.0 if isinstance(speed, str) else 1e9 / speed
        last = self._items[max(self._items)] if self._items else None
        self._known = (0.0, 0) if last is None else (last.trigger_s, last.triggered_ns)

    def of(self, row: dict[str, Any]) -> int:
        """As recorded; of an item that was not, by the belt's clock from the last that was."""
        item = self._items.get(row["seq"])
        if item is not None:
            return item.triggered_ns
        belt_s, at_ns = self._known
        later_s: float = row["scheduled_s"] - belt_s
        return max(0, at_ns + round(later_s * self._ns_per_belt_s))


def _label(row: dict[str, Any], at_ns: int) -> ImageAnnotations:
    verdict = Verdict(row["verdict"])
    answer = row["reason"]
    if row["predicted_class"] is not None:
        said = f"{row['predicted_class']} {row['confidence']:.2f}"
        answer = f"{said}, {answer}" if answer else said
    text = TextAnnotation(
        timestamp=timestamp(at_ns),
        position=Point2(x=_FONT_PX / 2, y=1.5 * _FONT_PX),
        text=f"{row['frame_id']} {verdict.replace('_', ' ')}: {answer}",
        font_size=_FONT_PX,
        text_color=_COLOURS.get(verdict, _BAD),
        background_color=Color(a=0.6),
    )
    return ImageAnnotations(texts=[text])


def _write_incidents(run: RunFiles, file: McapFile) -> None:
    logs = file.protobuf_channel("/line/log", Log)
    for at_ns, level, name, text in sorted(_incidents(run)):
        log = Log(timestamp=timestamp(at_ns), level=level, name=name, message=text)
        file.add(logs, at_ns, log.SerializeToString())
    file.end_chunk()


def _incidents(run: RunFiles) -> Iterator[tuple[int, Log.Level.ValueType, str, str]]:
    """(nanoseconds, level, who, what): alarms and events, and the faults injected."""
    for alert in every_alert(run.path / "alerts.jsonl"):
        level = _LEVELS.get(alert.get("level", ""), Log.UNKNOWN)
        yield _ns(alert.get("at")), level, str(alert.get("kind", "")), str(alert.get("text", ""))
    for fault in run.facts.faults:
        text = f"fault of the scenario: {fault.get('action')} {fault.get('process')}"
        yield _ns(fault.get("injected_at")), Log.WARNING, "fault", text


def _ns(iso: object) -> int:
    try:
        return math.floor(1e9 * datetime.fromisoformat(str(iso)).timestamp())
    except ValueError:
        return 0
