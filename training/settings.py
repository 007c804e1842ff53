"""Every option of the trainer: type, range, unit, meaning. The default values are defaults.toml.

A value is looked for in this order, the last one found wins: defaults.toml, the checkpoint that a
run goes on from, the user's `--config` file, the command line.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from training.errors import BadInput

DEFAULTS = Path(__file__).with_name("defaults.toml")

Share = Annotated[float, Field(ge=0, lt=1)]
Strength = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=32, le=1024)]


class Settings(BaseModel):
    """Options of one command; frozen, and unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: ClassVar[str]
    positional: ClassVar[str | None] = None


class PrepareSettings(Settings):
    """Options of `prepare`."""

    table = "prepare"
    positional = "source"

    source: Path = Field(description="folder with train/ and val/, or with one folder per class")
    out: Path = Field(description="new folder for the prepared tree")
    seed: int = Field(ge=0, description="seed of the split")
    val_share: Share = Field(description="share of each class that goes to val/")
    test_share: Share = Field(description="share of each class that goes to test/")
    copy_files: bool = Field(description="copy the pictures instead of hard-linking them")


class TrainSettings(Settings):
    """Options of `train`."""

    table = "train"

    data: Path = Field(description="prepared folder with train/ and val/")
    out: Path = Field(description="run folder for checkpoints, history and metrics")
    extra: tuple[Path, ...] = Field(description="further folder of class folders to train on")
    extra_share: float = Field(
        gt=0, le=1, description="share of the --extra pictures seen in an epoch, drawn anew"
    )
    extra_val: tuple[Path, ...] = Field(description="further folder to evaluate, reported apart")
    exclude: Path | None = Field(
        default=None, description="file of pictures not to train on, one path under --data a line"
    )
    weights: str = Field(description="state dict or checkpoint to start from, `imagenet` or `none`")

    backbone: str = Field(description="name of a torchvision classification model")
    head: Literal["linear", "dense"] = Field(
        description="linear, or dense 256 → batch norm → dropout → classes"
    )
    dropout: Share = Field(description="dropout before the last layer")
    size_px: Side = Field(description="side of the square the network sees")
    stored_px: Side = Field(description="side to which training pictures are squashed when read")
    memory_gb: float = Field(ge=0, description="decoded pictures kept in memory, at most")

    epochs: int = Field(ge=1, description="passes over the training pictures")
    freeze_epochs: int = Field(ge=0, description="first epochs that train the head only")
    freeze_stages: int = Field(ge=0, description="first stages of the backbone never trained")
    batch: int = Field(ge=2, description="pictures per step")
    rate: float = Field(gt=0, description="peak learning rate of the head")
    backbone_share: float = Field(gt=0, le=1, description="backbone's rate ÷ the head's")
    weight_decay: float = Field(ge=0, description="AdamW's, on weights with two or more axes")
    warmup_epochs: float = Field(ge=0, description="epochs of linear warm-up before the cosine")
    label_smoothing: Share = Field(description="probability spread over the other classes")
    ema_decay: Share = Field(description="decay per step of the averaged weights; 0: no average")
    patience_epochs: int = Field(ge=0, description="stop after so many without gain; 0: never")
    balance: Literal["none", "loss", "sampler"] = Field(
        description="rare classes: as they are, weighted in the loss, or drawn more often"
    )

    crop_min_area: float = Field(gt=0, le=1, description="smallest random crop, share of the area")
    flips: bool = Field(description="mirror at random, both ways")
    quarter_turns: bool = Field(description="turn by 0, 90, 180 or 270° at random")
    brightness: Strength = Field(description="colour jitter")
    contrast: Strength = Field(description="colour jitter")
    saturation: Strength = Field(description="colour jitter")
    hue: float = Field(ge=0, le=0.5, description="colour jitter, share of the colour circle")
    trivial_augment: bool = Field(description="add one random TrivialAugment operation")
    mix: Strength = Field(description="probability of blending a batch's pictures and labels")
    erase: Strength = Field(description="probability of erasing a random rectangle")

    precision: Literal["auto", "fp32", "bf16"] = Field(
        description="auto: bf16 where the hardware multiplies it, else fp32"
    )
    device: str = Field(description="auto, cpu, cuda, cuda:1 …")
    workers: int = Field(ge=0, le=64, description="processes that augment pictures")
    seed: int = Field(ge=0, description="seed of weights, order and augmentation")
    resume: bool = Field(description="go on from last.pt in --out, with its settings")


class ExportSettings(Settings):
    """Options of `export`."""

    table = "export"
    positional = "checkpoint"

    checkpoint: Path = Field(description="run folder (its best.pt) or checkpoint file")
    out: Path = Field(description="the ONNX file to write")
    torchscript: Path | None = Field(default=None, description="TorchScript file to write as well")
    name: str = Field(description="title of the model card; empty: the file's name")
    threshold: float = Field(ge=0, le=1, description="confidence below which nothing is ejected")
    parity_pictures: int = Field(ge=1, description="pictures on which the files are compared")
    parity_limit: float = Field(gt=0, lt=1, description="largest allowed probability difference")
    provenance: str = Field(description="sentence on data, weights and licence, for the metadata")


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


def flag_name(field: str) -> str:
    """`batch_size` → `--batch-size`."""
    return "--" + field.replace("_", "-")


def _message(kind: str, text: str) -> str:
    known = {"missing": "is required", "extra_forbidden": "no such setting"}
    return known.get(kind, text)


def read_table(path: Path | None, section: type[Settings]) -> dict[str, Any]:
    """One command's table of a settings file, unchecked but for unknown names; {} without one."""
    if path is None:
        return {}
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"--config {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not TOML: {error}") from error
    _refuse_unknown(path, document)
    return dict(document.get(section.table, {}))


def _refuse_unknown(path: Path, document: Mapping[str, Any]) -> None:
    """A misspelt key in any table is an error, not only in the table that is read now."""
    sections = {cls.table: cls for cls in Settings.__subclasses__()}
    for table, values in document.items():
        if table not in sections:
            raise BadInput(f"{path}: [{table}]: no such table; known: {', '.join(sections)}")
        if not isinstance(values, dict):
            raise BadInput(f"{path}: {table}: must be a table")
        for key in values:
            if key not in sections[table].model_fields:
                raise BadInput(f"{path}: [{table}] {key}: no such setting")
