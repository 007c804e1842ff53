"""Options of `ingest`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from training.settings import Settings


class IngestSettings(Settings):
    """Options of `ingest`."""

    table = "ingest"
    positional = "source"

    source: Path = Field(description="run folder of the line, or JSON exported by Label Studio")
    out: Path | None = Field(default=None, description="training folder: OUT/CLASS/…, history.csv")
    image_key: str = Field(
        description="key of a task's data that has the picture, in a Label Studio export; empty: "
        "found out"
    )
    control: str = Field(
        description="name of the choices that say the class, in a Label Studio export; empty: "
        "found out"
    )
    classes: str = Field(
        description="labels allowed: names with commas, or a class_index.json; empty: any"
    )
    images: Path | None = Field(
        default=None,
        description="where Label Studio's pictures are; the JSON's folder if not given",
    )
    export_label_studio: Path | None = Field(
        default=None,
        description="JSON to write instead or as well: a run's items without a label; "
        "the labelling interface is written beside it",
    )
    image_prefix: str = Field(
        description="what Label Studio finds RUN/review/images/… under, in --export-label-studio"
    )
