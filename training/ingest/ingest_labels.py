"""ingest: labels and their pictures into a training folder, or unlabelled items out of a queue."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from training.errors import BadInput, TrainingError
from training.ingest.label_event import Source, with_good_labels
from training.ingest.label_studio import Wanted, read_export
from training.ingest.label_studio_export import write_conflicts, write_tasks
from training.ingest.labelled_folder import LabelledFolder
from training.ingest.options import IngestSettings
from training.ingest.review_queue import queue_file, read_labels, read_unlabelled, run_name


def ingest(settings: IngestSettings, console: Console) -> None:
    """Do what the options ask for, export first.

    Raises BadInput before anything is taken in, and TrainingError afterwards if pictures were
    missing.
    """
    if settings.out is None and settings.export_label_studio is None:
        raise BadInput("--out: is required, or --export-label-studio")
    if settings.export_label_studio is not None:
        _export(settings, settings.export_label_studio, console)
    if settings.out is not None:
        _take(settings, settings.out, console)


def _export(settings: IngestSettings, file: Path, console: Console) -> None:
    if not settings.source.is_dir():
        raise BadInput(f"--export-label-studio: {settings.source} is not a run folder")
    items = read_unlabelled(settings.source)
    run, classes = run_name(settings.source), _classes(settings.classes)
    interface = write_tasks(file, items, run, settings.image_prefix, classes)
    console.print(f"{file}: {len(items)} tasks", markup=False)
    console.print(f"{interface}: the labelling interface for them", markup=False)
    console.print(
        f"Label Studio's LOCAL_FILES_DOCUMENT_ROOT: {settings.source.resolve().parent}",
        markup=False,
    )


def _take(settings: IngestSettings, out: Path, console: Console) -> None:
    source = with_good_labels(_read(settings), _classes(settings.classes), settings.source)
    try:
        taken = LabelledFolder(out).take(source)
    except OSError as error:  # no room, no permission, a file where a folder belongs
        raise BadInput(f"--out {out}: {error}") from error
    for name, why in (source.skipped | taken.skipped).items():
        console.print(f"skipped {name}: {why}", markup=False)
    _tell_conflicts(source, settings.source, out, console)
    console.print(
        f"{out}: {taken.added} added, {taken.moved} moved, {taken.unchanged} unchanged",
        markup=False,
    )
    if taken.skipped:
        raise TrainingError(
            f"{settings.source}: {len(taken.skipped)} of {len(source.pictures)} labelled pictures "
            f"are missing or unreadable, {next(iter(taken.skipped))} the first"
        )
    if source.skipped:
        raise TrainingError(
            f"{settings.source}: {len(source.skipped)} were left out, "
            f"{next(iter(source.skipped))} the first; the others were taken in"
        )


def _tell_conflicts(source: Source, export: Path, out: Path, console: Console) -> None:
    """Say how far people agree, and write what they do not agree on as tasks to label again."""
    if source.agreement:
        console.print(source.agreement, markup=False)
    file = out / f"{export.stem}.conflicts.json"
    if not source.conflicts:
        file.unlink(missing_ok=True)
        return
    for conflict in source.conflicts:
        console.print(f"conflict {conflict.frame}: {conflict.in_words}", markup=False)
    write_conflicts(file, source.conflicts)
    console.print(f"{file}: {len(source.conflicts)} tasks to label again", markup=False)


def _read(settings: IngestSettings) -> Source:
    source = settings.source
    if source.is_dir():
        if not queue_file(source).is_file():
            raise BadInput(f"{queue_file(source)}: no such file; is {source} a run folder?")
        return read_labels(source)
    if not source.is_file():
        raise BadInput(f"{source}: no such file or folder")
    images = source.parent if settings.images is None else settings.images
    if not images.is_dir():
        raise BadInput(f"--images {images}: no such folder")
    wanted = Wanted(settings.image_key, settings.control, _classes(settings.classes))
    return read_export(source, images, wanted)


def _classes(given: str) -> tuple[str, ...]:
    """Names with commas between, or those of a class_index.json."""
    if not given.endswith(".json"):
        return tuple(name.strip() for name in given.split(",") if name.strip())
    try:
        index = json.loads(Path(given).read_text(encoding="utf-8-sig"))
        return tuple(str(name) for name in index.values())
    except OSError as error:
        raise BadInput(f"--classes {given}: {error.strerror}") from error
    except (ValueError, AttributeError) as error:
        raise BadInput(f"--classes {given}: not a class index") from error
