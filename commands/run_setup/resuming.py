"""What a resumed run takes from its folder, and what from whoever resumes it.

A run goes on with the settings and the model that it began with. But a folder that came from
elsewhere must not open this machine to others: where the line listens, which keys it lets in, which
password the console takes, on which cluster workers run, and to which database and broker rows go
is up to whoever calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from commands.run_setup.settings import check_plant, resolved
from line.config import load
from line.errors import BadInput
from line.model.facts import ModelFacts
from line.plain_text import plain
from line.run_files.lane_record import LaneRecord
from line.run_files.results import FILE as RESULTS
from line.run_files.run_folder import SETTINGS_FILE, RunFolder, reading
from line.sequence_set import SeqSet
from line.settings import Settings
from line.supervise.resume import reopen, session_of
from sinks.csv_log import logged_items
from sinks.running_stats import bucket_bounds_s


def check_settled(run_dir: Path, settings: Settings) -> None:
    """Raise BadInput, naming the lane's file, for a lane whose settled items lack a row.

    They would never be fed again: the results were cut or replaced, or the lane's file was.
    """
    paths = [run_dir / f"camera-{n}.progress" for n in range(settings.line.cameras)]
    lows = [LaneRecord.read(path).low for path in paths]  # first: rows are only ever added
    with reading(run_dir):
        logged = logged_items(run_dir / RESULTS, bucket_bounds_s(settings))
    for camera, (path, low) in enumerate(zip(paths, lows, strict=True)):
        rows = logged.get(camera, SeqSet()).low
        if low > rows:
            raise BadInput(
                f"{path}: {low} items are settled, and results.csv has rows of the first {rows} "
                "alone; without this file the lane is run again from its beginning, and rows that "
                "stand are kept: remove it to do so"
            )


_OWN = ("console.", "transport.", "placement.", "postgres.", "mqtt.")
"""Settings that are not taken from the folder."""
_ANEW = ("metrics.port", "supervisor.log_mb")
"""Those that change no row: they are taken from the folder unless they are given anew."""


def taken_up(
    run_dir: Path, config: Path | None, console: str | None, assignments: Sequence[str]
) -> tuple[Settings, ModelFacts, RunFolder]:
    """What the runner needs to go on with a run. Nothing is changed yet.

    `config`, `console` and `assignments` are options of the command.

    Raises:
        BadInput: naming the file or option and what is wrong with it.
    """
    from workers.model import Model

    given = [assignment.partition("=")[0].strip() for assignment in assignments]
    for key in given:
        if not key.startswith(_OWN) and key not in _ANEW:
            raise BadInput(f"--resume: goes on with the run's own settings, without --set {key}")
    settings, model, folder = reopen(run_dir)
    check_settled(folder.path, settings)
    options = [] if console is None else [("console.on", console)]
    own = resolved(load(config, None, options, assignments))
    settings = _with_own_connections(run_dir / SETTINGS_FILE, settings, own)
    for section, name in (key.split(".") for key in given if key in _ANEW):
        settings = settings.replaced({section: {name: getattr(getattr(own, section), name)}})
    check_plant(settings)
    serving = session_of(folder.path, settings, model).overrides.serving(model)
    loaded = Model.open(Path(serving.path), serving.engine, serving.sha256)
    if loaded.facts.classes != serving.classes:
        raise BadInput(f"{serving.path}: names other classes than when the run began")
    return settings, model, folder


def _with_own_connections(path: Path, then: Settings, own: Settings) -> Settings:
    was = then.transport
    if was.keys and not own.transport.listen:
        added = f"--set transport.listen={was.listen} --set transport.keys={was.keys}"
        raise BadInput(
            f"{path}: transport.listen: the run let in workers of other machines; "
            f"to do so again, add {plain(added, 1000)}"
        )
    tables = ("console", "placement", "postgres", "mqtt")
    changes = {table: getattr(own, table).model_dump() for table in tables}
    if was.listen or own.placement.is_on_cluster:
        changes["transport"] = own.transport.model_dump()
    return then.replaced(changes)
