"""All figures at hand, checked to be of one model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.errors import BadInput
from training.report.model_text import ReportedModel
from training.report.sources import Kind, Source, pipeline_commands, read_sources, settings_of

SHORT = 12
"""Digits of a hash that are shown where two are compared."""

# A quantised or exported file is often measured before `calibrate` makes the last one of it.
MEASURED_BEFORE_CALIBRATION = frozenset({Kind.EXPORT, Kind.QUANTIZE})


@dataclass(frozen=True)
class Material:
    """What a report is written from; no model if none is at hand.

    `commands` is step → command line where a pipeline made it all.
    """

    model: ReportedModel | None
    sources: tuple[Source, ...]
    commands: Mapping[str, str]

    @classmethod
    def gather(cls, folders: Iterable[Path], model: Path | None = None) -> Material:
        """Read the folders, and the model: the one given, or else the one that they name.

        Raises BadInput for a folder without figures, and for figures of two models.
        """
        folders = list(folders)
        sources = [source for folder in folders for source in read_sources(folder)]
        path = model or _named_model(sources)
        opened = ReportedModel.open(path) if path else None
        _check_one_model(opened, sources)
        commands = {k: v for folder in folders for k, v in pipeline_commands(folder).items()}
        return cls(opened, tuple(sources), commands)

    def of(self, kind: Kind) -> list[Source]:
        """The sources of one kind, in the order given."""
        return [source for source in self.sources if source.kind is kind]


def _named_model(sources: Sequence[Source]) -> Path | None:
    """The file that the figures speak of, if it is still there."""
    named = [source.model_file for source in sources if source.kind is not Kind.EXPORT]
    named += [source.model_file for source in sources if source.kind is Kind.EXPORT]
    there = (path for path in named if path and path.suffix == ".onnx" and path.is_file())
    return next(there, None)


def _check_one_model(model: ReportedModel | None, sources: Sequence[Source]) -> None:
    """Raise BadInput that names both where figures are of another model than the rest."""
    hashed = [source for source in sources if source.model_sha256]
    if model is not None:
        name, sha256, before = model.path, model.sha256, model.hashes
    elif hashed:
        name, sha256 = hashed[0].file, str(hashed[0].model_sha256)
        before = frozenset({sha256})
    for source in hashed:
        allowed = before if source.kind in MEASURED_BEFORE_CALIBRATION else {sha256}
        if source.model_sha256 not in allowed:
            raise BadInput(
                f"{source.file}: its figures are of the model {source.model_file} (sha256 "
                f"{str(source.model_sha256)[:SHORT]}…), not of {name} ({sha256[:SHORT]}…)"
            )
    for source in sources:
        if model and source.kind is Kind.TRAIN:
            _check_run(model, source)


def _check_run(model: ReportedModel, run: Source) -> None:
    """A run carries no hash of the model, but its classes and backbone must be the model's."""
    classes, settings = list(run.figures["val"]["per_class"]), settings_of(run)
    pairs = [("classes", ", ".join(classes), ", ".join(model.classes))]
    if settings and "backbone" in model.facts:
        pairs.append(("backbone", settings.backbone, model.facts["backbone"]))
    for what, of_run, of_model in pairs:
        if of_run != of_model:
            raise BadInput(
                f"{run.file}: is of another model than {model.path}: {what} {of_run}, "
                f"not {of_model}"
            )
