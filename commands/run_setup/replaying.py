"""The settings of a run that feeds again what an earlier one fed.

What passed the photo-eyes is given: items, pictures, moments. Where lanes were recorded it comes
from there, else it is made again from the seed. So the belt's own events – drift, surge, dimmed
light – belong to what is replayed; faults of processes and of pictures on their way do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands.run_setup.settings import resolved
from line.config import Layers, load
from line.errors import BadInput
from line.events import Dim, Drift, Surge
from line.model.facts import ModelFacts
from line.plain_text import plain
from line.run_files.lane_record import LaneRecord
from line.run_files.recording import is_recorded, read_lane
from line.run_files.run_folder import reading
from line.settings import Settings
from line.supervise.resume import remember
from reports.facts import Facts, read_facts
from workers.model_file import read

_OF_THE_BELT = (Drift, Surge, Dim)


@dataclass(frozen=True, slots=True)
class Replay:
    """What is to be fed again, and how."""

    settings: Settings
    model: ModelFacts
    """of the run that is replayed"""
    told: str
    """where the frames come from, for people"""


def replay_of(run_dir: Path, changes: Mapping[str, object], *, with_faults: bool) -> Replay:
    """The settings to replay the run in `run_dir` with, `changes` (by dotted key) on top.

    On a belt of another speed the items lie as they did: all times are in proportion.

    Raises:
        BadInput: where there is no such run, its files are damaged or may not be read, or its
            source cannot be shown again and was not recorded.
    """
    with reading(run_dir):
        return _replay_of(run_dir, changes, with_faults)


def check_unchanged(model: ModelFacts, run_dir: Path, option: str = "--model") -> None:
    """Raise BadInput unless the model's file is still that of the run; before it is loaded.

    `option` names another one.
    """
    try:
        _, actual = read(Path(model.path))
    except BadInput as error:
        raise BadInput(f"{plain(model.path)}: {error}") from None
    if actual != model.sha256:
        raise BadInput(f"{plain(model.path)}: changed since {run_dir}; name a model with {option}")


def _replay_of(run_dir: Path, changes: Mapping[str, object], with_faults: bool) -> Replay:
    then, model = remember(run_dir)
    path = run_dir.absolute()
    speed = changes.get("belt.speed_m_per_s", then.belt.speed_m_per_s)
    slower = then.belt.speed_m_per_s / speed if isinstance(speed, float) and speed > 0 else 1.0
    layers = Layers()
    layers.add(then.model_dump(mode="json"), f"{run_dir}/settings.json")
    layers.add(
        {
            "title": f"{then.title.removesuffix(' replayed')} replayed",
            "model": {"path": model.path},
            "events": _events(then, with_faults, slower),
            "record": {"enabled": False},
            "console": {"on": "off"},
            **_own_connections(),
        },
        "replay",
    )
    recorded = is_recorded(path)
    if recorded:
        layers.add(_from_recording(path), "replay")
        items, without = _count(path, then.line.cameras)
    else:
        items, without = _fed(run_dir, then.line.cameras), 0
        layers.add(_from_seed(run_dir, then, slower), "replay")
    if not items:
        raise BadInput(f"{run_dir}: fed nothing that could be replayed")
    is_another = not {"model.path", "model.engine"}.isdisjoint(changes)
    if is_another:  # it is sure of other things
        layers.add_key("decision.threshold", "model", "replay")
        if then.decision.novelty_energy != "off":
            layers.add_key("decision.novelty_energy", "model", "replay")
    for key, value in changes.items():
        layers.add_key(key, value, "option")
    told = _told(recorded, items, without)
    settings = resolved(layers.validate())
    if is_another and settings.decision.promise:
        settings = settings.replaced({"decision": {"promise": {}, "promised": ()}})
        told += "; nothing is promised of another model or engine"
    return Replay(settings, model, told)


def _own_connections() -> dict[str, Any]:
    """Where a line listens and writes is up to whoever replays, not to the folder."""
    own = load()
    results = own.results.model_dump(include={"dir", "readable_by"})
    tables = ("transport", "placement", "postgres", "mqtt")
    mine = {table: getattr(own, table).model_dump() for table in tables}
    return {**mine, "results": results}


def _events(then: Settings, with_faults: bool, slower: float) -> list[dict[str, Any]]:
    kept = [e for e in then.events if with_faults or isinstance(e, _OF_THE_BELT)]
    dumped = [event.model_dump(mode="json") for event in kept]
    for event in dumped:
        for key in event.keys() & {"at_s", "duration_s"}:
            event[key] *= slower
    return dumped


def _from_recording(path: Path) -> dict[str, Any]:
    """The recording says when each item is at the photo-eye, and there it is set on the belt."""
    return {
        "source": {"spec": "recording", "replays": str(path)},
        "belt": {"infeed_to_camera_m": 0.0},
        "line": {"items": 0, "duration_s": 0.0},
    }


def _from_seed(run_dir: Path, then: Settings, slower: float) -> dict[str, Any]:
    """The feeder and the camera keep pace with the belt, so that they make the same frames."""
    spec, infeed, camera = then.source.spec, then.infeed, then.camera
    if spec not in ("procedural", "recording") and not Path(spec).is_dir():
        raise BadInput(
            f"{run_dir}: was not recorded, and {spec} cannot show the same again; "
            "record a run with: run_line.py run --record"
        )
    return {
        "source": {"replays": then.source.replays or str(run_dir.absolute())},
        "line": _end_of_feed(run_dir, then, slower),
        "infeed": {
            "items_per_min": infeed.items_per_min / slower,
            "burst_s": infeed.burst_s * slower,
            "pause_s": infeed.pause_s * slower,
        },
        "camera": {
            "exposure_ms": camera.exposure_ms * slower,
            "lamp_drift_per_min": camera.lamp_drift_per_min / slower,
        },
    }


def _end_of_feed(run_dir: Path, then: Settings, slower: float) -> dict[str, Any]:
    """Where the settings end the feed, or where the run did before that."""
    if (read_facts(run_dir / "run.json") or Facts()).ended == "finished":
        # An item that was fed in the last moment must not be lost to rounding.
        return {"duration_s": then.line.duration_s * slower * (1 + 1e-9)}
    return {"items": _fed(run_dir, then.line.cameras), "duration_s": 0.0}


def _told(recorded: bool, items: int, without: int) -> str:
    if not recorded:
        return f"it was not recorded; the same {items} frames are made again from its seed"
    lacking = f", {without} of them without a picture" if without else ""
    return f"{items} recorded items{lacking}"


def _fed(run_dir: Path, cameras: int) -> int:
    """By the lanes' own files; a run in virtual time has none, and says it in run.json alone."""
    lanes = [run_dir / f"camera-{n}.progress" for n in range(cameras)]
    if any(lane.exists() for lane in lanes):
        return sum(LaneRecord.read(lane).fed for lane in lanes)
    fed = (read_facts(run_dir / "run.json") or Facts()).fed
    if fed is None:
        raise BadInput(
            f"{run_dir}: nothing says how many items it fed (no camera-0.progress, no run.json)"
        )
    return fed


def _count(run_dir: Path, cameras: int) -> tuple[int, int]:
    """Items that the recording knows of, and those among them that it has no picture of."""
    items = without = 0
    for camera in range(cameras):
        known = read_lane(run_dir, camera).items
        count = max(known, default=-1) + 1
        items += count
        without += count - sum(item.picture_at is not None for item in known.values())
    return items, without
