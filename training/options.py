"""Every option of the trainer: type, range, unit, meaning. The default values are defaults.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from training.settings import Settings

Share = Annotated[float, Field(ge=0, lt=1)]
Strength = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=32, le=1024)]


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
    height_px: Annotated[int, Field(ge=0, le=1024)] = Field(
        description="height of what the network sees; 0: as trained"
    )
    width_px: Annotated[int, Field(ge=0, le=1024)] = Field(
        description="width of what the network sees; 0: as trained"
    )
    threshold: float = Field(ge=0, le=1, description="confidence below which nothing is ejected")
    parity_pictures: int = Field(ge=1, description="pictures on which the files are compared")
    parity_limit: float = Field(gt=0, lt=1, description="largest allowed probability difference")
    provenance: str = Field(description="sentence on data, weights and licence, for the metadata")


class EvaluateSettings(Settings):
    """Options of `evaluate`."""

    table = "evaluate"
    positional = "model"

    model: Path = Field(description="ONNX or TorchScript file, checkpoint, or run folder")
    data: Path = Field(description="folder of class folders to judge by")
    out: Path = Field(description="folder for figures, charts and the page of errors")
    calibrate_on: Path | None = Field(
        default=None, description="folder of class folders to fit a temperature on"
    )
    novel: Path | None = Field(
        default=None, description="folder of pictures of other things, at any depth"
    )
    tta: bool = Field(description="average the picture's four mirror images; gain against cost")
    letterbox: bool = Field(description="pad instead of squashing; gain against cost")
    bins: int = Field(ge=2, le=100, description="bins of the calibration error")
    binning: Literal["mass", "width"] = Field(
        description="bins of as many pictures each, or of the same range of confidence"
    )
    precision: tuple[float, ...] = Field(
        description="precision to find the coverage for, above 0 and at most 1"
    )
    worst: int = Field(ge=0, le=500, description="surest errors shown on the page")

    @field_validator("precision")
    @classmethod
    def _shares(cls, wanted: tuple[float, ...]) -> tuple[float, ...]:
        for precision in wanted:
            if not 0 < precision <= 1:
                raise PydanticCustomError("share", "must be above 0 and at most 1")
        return wanted


class CalibrateSettings(Settings):
    """Options of `calibrate`."""

    table = "calibrate"
    positional = "model"

    model: Path = Field(description="ONNX file")
    data: Path = Field(description="folder of class folders that the model was not trained on")
    out: Path | None = Field(
        default=None, description="ONNX file to write; without it MODEL.calibrated.onnx"
    )
    in_place: bool = Field(description="replace the model itself")
    precision: float = Field(gt=0, le=1, description="precision that the threshold has to reach")
    coverage: float = Field(
        gt=0, lt=1, description="probability that a conformal set holds the true class"
    )
    conformal: Literal["auto", "class", "marginal"] = Field(
        description="sets for each class by itself, for all together, or as the pictures allow"
    )


class AuditSettings(Settings):
    """Options of `audit`."""

    table = "audit"
    positional = "data"

    data: Path = Field(description="folder of class folders, or with train/ and val/ (and test/)")
    model: Path | None = Field(
        default=None, description="checkpoint, run folder or ONNX file to judge labels with"
    )
    weights: str = Field(
        description="instead of --model: state dict file of --backbone, `imagenet` or `none`"
    )
    backbone: str = Field(description="with --weights: name of a torchvision model")
    size_px: Side = Field(description="with --weights: side of the square the network sees")
    device: str = Field(description="auto, cpu, cuda, cuda:1 …")
    out: Path = Field(description="folder for audit.html, audit.csv and audit.json")
    exclude_to: Path | None = Field(
        default=None, description="file to write for `train --exclude`: what to leave out"
    )
    exclude_label_errors: bool = Field(description="put likely label errors there too")
    strict: bool = Field(description="exit 1 for unreadable files and pairs across labels, splits")
    near_bits: int = Field(
        ge=0, le=24, description="bits, of 64, in which hashes of near duplicates may differ"
    )
    near_correlation: float = Field(
        ge=0.5, le=1, description="least correlation of near duplicates, background removed"
    )
    least_pictures: int = Field(ge=0, description="name classes with fewer pictures in a split")
    folds: int = Field(ge=2, le=20, description="parts, each judged by what the others teach")
    seed: int = Field(ge=0, description="seed of the parts")
    shown: int = Field(ge=0, description="findings of each kind on the screen")
    pictured: int = Field(ge=0, le=500, description="findings of each kind in audit.html")


StrategyName = Literal[
    "random",
    "least_confidence",
    "margin",
    "entropy",
    "margin_diverse",
    "kmeans",
    "typiclust",
    "coreset",
]


class SelectSettings(Settings):
    """Options of `select`."""

    table = "select"
    positional = "pool"

    pool: Path = Field(description="folder of unlabelled pictures; sub-folders mean nothing")
    model: str = Field(
        description="ONNX file, run folder, checkpoint, state dict or `imagenet`; not for random"
    )
    backbone: str = Field(description="network of a bare state dict; torchvision's name")
    size_px: Side = Field(description="side of the square a bare network sees")
    strategy: StrategyName = Field(
        description="how to choose; see training/selection/strategies.py"
    )
    count: int = Field(ge=1, description="pictures to choose")
    labelled: Path | None = Field(
        default=None, description="folder of pictures that have a label: chosen around, not again"
    )
    out: Path = Field(description="CSV file to write: rank, path, score")
    seed: int = Field(ge=0, description="seed of lots and clusters")


class SimulateSettings(Settings):
    """Options of `simulate`."""

    table = "simulate"

    data: Path = Field(description="prepared folder with train/ and val/")
    out: Path = Field(description="folder for curve.csv, summary.json, curve.png and embeddings")
    weights: str = Field(
        description="network that embeds: state dict, checkpoint, ONNX file, `imagenet` or `none`"
    )
    backbone: str = Field(description="network of a bare state dict; torchvision's name")
    size_px: Side = Field(description="side of the square a bare network sees")
    strategies: tuple[str, ...] = Field(min_length=1, description="strategy to try, beside random")
    start: Literal["random", "kmeans", "typiclust"] = Field(
        description="first choice of strategies that go on from labelled pictures"
    )
    first: int = Field(ge=2, description="labels in the first round")
    step: int = Field(ge=1, description="labels in each further round")
    rounds: int = Field(ge=1, description="further rounds")
    seeds: int = Field(ge=2, description="campaigns per strategy")
    seed: int = Field(ge=0, description="the first of the seeds")
    inverse_penalty: float = Field(gt=0, description="scikit-learn's C of the logistic regression")
    full: bool = Field(description="train on all labels too, as the reference")
    share: float = Field(gt=0, le=1, description="share of the reference's accuracy to reach")
    end_to_end: int = Field(
        ge=0, description="seeds with which the whole network is trained as well; 0: none"
    )
    end_to_end_labels: int = Field(ge=2, description="at the budget nearest to so many labels")
    end_to_end_epochs: int = Field(ge=1, description="passes over those pictures")

    @field_validator("strategies")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = get_args(StrategyName)
        for name in names:
            if name not in known:
                text = f"{name}: not one of {', '.join(known)}"
                raise PydanticCustomError("strategy", "{text}", {"text": text})
        return names


class IngestSettings(Settings):
    """Options of `ingest`."""

    table = "ingest"
    positional = "source"

    source: Path = Field(description="run folder of the line, or JSON exported by Label Studio")
    out: Path | None = Field(default=None, description="training folder: OUT/CLASS/…, history.csv")
    classes: str = Field(
        description="labels allowed: names with commas, or a class_index.json; empty: any"
    )
    images: Path | None = Field(
        default=None,
        description="where Label Studio's pictures are; the JSON's folder if not given",
    )
    export_label_studio: Path | None = Field(
        default=None, description="JSON to write instead or as well: a run's items without a label"
    )
    image_prefix: str = Field(
        description="what Label Studio finds RUN/review/images/… under, in --export-label-studio"
    )
