"""Every command's options, gathered and checked; each class is declared beside its command.

A value is looked for in this order, the last one found wins: defaults.toml, the checkpoint that a
run goes on from, the user's `--config` file, the command line.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from training.audit.options import AuditSettings
from training.calibrate.options import CalibrateSettings
from training.errors import BadInput
from training.evaluate.options import EvaluateSettings
from training.export.options import ExportSettings
from training.hub.options import PullSettings, PushSettings
from training.ingest.options import IngestSettings
from training.pipeline.options import PipelineSettings
from training.prepare.options import PrepareSettings
from training.quantize.options import QuantizeSettings
from training.refit.options import RefitSettings
from training.report.options import ReportSettings
from training.selection.options import SelectSettings, SimulateSettings
from training.settings import DEFAULTS, Settings, flag_name
from training.train.options import AverageSettings, TrainSettings

EVERY: tuple[type[Settings], ...] = (
    AuditSettings,
    AverageSettings,
    CalibrateSettings,
    EvaluateSettings,
    ExportSettings,
    PushSettings,
    PullSettings,
    IngestSettings,
    PipelineSettings,
    PrepareSettings,
    QuantizeSettings,
    RefitSettings,
    ReportSettings,
    SelectSettings,
    SimulateSettings,
    TrainSettings,
)

S = TypeVar("S", bound=Settings)


def load(
    section: type[S],
    flags: Mapping[str, Any],
    config: Path | None = None,
    checkpoint: Mapping[str, Any] | None = None,
) -> S:
    """Merge the sources of one command's options and check them.

    Raises BadInput with one line that names the field, and the file if it came from one.
    """
    chosen = read_table(config, section)
    merged = {**read_table(DEFAULTS, section), **(checkpoint or {}), **chosen, **flags}
    try:
        return section.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        where = f"{config}: [{section.table}] {field}" if field in chosen else flag_name(field)
        if field in flags:
            where = flag_name(field)
        raise BadInput(f"{where}: {_message(first['type'], first['msg'])}") from error


def _message(kind: str, text: str) -> str:
    known = {"missing": "is required", "extra_forbidden": "no such setting"}
    return known.get(kind, text)


def read_table(path: Path | None, section: type[Settings]) -> dict[str, Any]:
    """One command's table of a settings file, unchecked but for unknown names; {} without one."""
    if path is None:
        return {}
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadInput(f"--config {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not TOML: {error}") from error
    _refuse_unknown(path, document)
    return dict(document.get(section.table, {}))


def _refuse_unknown(path: Path, document: Mapping[str, Any]) -> None:
    """A misspelt key in any table is an error, not only in the table that is read now."""
    sections = {cls.table: cls for cls in EVERY}
    for table, values in document.items():
        if table not in sections:
            raise BadInput(f"{path}: [{table}]: no such table; known: {', '.join(sections)}")
        if not isinstance(values, dict):
            raise BadInput(f"{path}: {table}: must be a table")
        for key in values:
            if key not in sections[table].model_fields:
                near = get_close_matches(key, sections[table].model_fields, n=1)
                meant = f"; did you mean {near[0]}?" if near else ""
                raise BadInput(f"{path}: [{table}] {key}: no such setting{meant}")
