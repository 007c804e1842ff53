"""Options of `train` and `average`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from training.settings import Settings, Share, Side, Strength


class AverageSettings(Settings):
    """Options of `average`."""

    table = "average"
    positional = "checkpoints"

    checkpoints: tuple[Path, ...] = Field(
        min_length=1, description="run folders (their best.pt) or checkpoint files"
    )
    out: Path = Field(description="checkpoint to write")


class TrainSettings(Settings):
    """Options of `train`."""

    table = "train"

    preset: str = Field(
        description="compact, classic, two-phase or best: a way to train, under the other options"
    )
    data: Path = Field(description="prepared folder with train/ and val/")
    out: Path = Field(description="run folder for checkpoints, history, figures and pages")
    extra: tuple[Path, ...] = Field(description="further folder of class folders to train on")
    extra_share: float = Field(
        gt=0, le=1, description="share of the --extra pictures seen in an epoch, drawn anew"
    )
    extra_val: tuple[Path, ...] = Field(description="further folder to evaluate, reported apart")
    exclude: Path | None = Field(
        default=None, description="file of pictures not to train on, one path under --data a line"
    )
    val_too: bool = Field(
        description="train on val as well: a final fit, whose figures on val prove nothing"
    )
    weights: str = Field(description="state dict or checkpoint to start from, `imagenet` or `none`")

    backbone: str = Field(description="name of a torchvision classification model")
    head: Literal["linear", "dense"] = Field(
        description="linear, or dense 256 → batch norm → dropout → classes"
    )
    dropout: Share = Field(description="dropout before the last layer")
    size_px: Side = Field(description="side of the square the network sees")
    stored_px: Side = Field(description="side to which training pictures are resized when read")
    memory_gb: float = Field(ge=0, description="decoded pictures kept in memory, at most")

    epochs: int = Field(ge=1, description="passes over the training pictures")
    freeze_epochs: int = Field(ge=0, description="first epochs that train the head only")
    freeze_stages: int = Field(ge=0, description="first stages of the backbone never trained")
    batch: int = Field(ge=2, description="pictures per step")
    optimizer: Literal["adamw", "adam"] = Field(
        description="adam adds weight_decay to the gradient: take 1e-4 or less there"
    )
    schedule: Literal["cosine", "plateau"] = Field(
        description="after the warm-up: down to nothing, or less whenever val's loss stands still"
    )
    plateau_factor: float = Field(gt=0, lt=1, description="the plateau's: rate after ÷ before")
    plateau_epochs: int = Field(ge=1, description="the plateau's: epochs without a lower loss")
    rate: float = Field(gt=0, description="peak learning rate of the head")
    backbone_share: float = Field(gt=0, le=1, description="backbone's rate ÷ the head's")
    weight_decay: float = Field(
        ge=0, description="the optimiser's, on weights with two or more axes"
    )
    warmup_epochs: float = Field(ge=0, description="epochs of linear warm-up before the schedule")
    label_smoothing: Share = Field(description="probability spread over the other classes")
    ema_decay: Share = Field(description="decay per step of the averaged weights; 0: no average")
    patience_epochs: int = Field(ge=0, description="stop after so many without gain; 0: never")
    balance: Literal["none", "loss", "sampler"] = Field(
        description="rare classes: as they are, weighted in the loss, or drawn more often"
    )

    crop_min_area: float = Field(gt=0, le=1, description="smallest random crop, share of the area")
    flips: bool = Field(description="mirror at random, both ways")
    quarter_turns: bool = Field(description="turn by 0, 90, 180 or 270° at random")
    rotation_deg: float = Field(ge=0, le=180, description="turn at random by up to this, degrees")
    translate: Share = Field(description="shift at random by up to this share of each side")
    zoom: Share = Field(description="scale at random from 1 - zoom to 1 + zoom")
    brightness: Strength = Field(description="colour jitter")
    contrast: Strength = Field(description="colour jitter")
    saturation: Strength = Field(description="colour jitter")
    hue: float = Field(ge=0, le=0.5, description="colour jitter, share of the colour circle")
    trivial_augment: bool = Field(description="add one random TrivialAugment operation")
    new_background: Strength = Field(
        description="probability of laying an item on a drawn background, if its own is plain"
    )
    other_camera: Strength = Field(
        description="probability of another lamp and lens, in place of TrivialAugment"
    )
    mix: Strength = Field(description="probability of blending a batch's pictures and labels")
    erase: Strength = Field(description="probability of erasing a random rectangle")

    precision: Literal["auto", "fp32", "bf16"] = Field(
        description="auto: bf16 where the hardware multiplies it, else fp32"
    )
    device: str = Field(description="auto, cpu, cuda, cuda:1 …")
    workers: int = Field(ge=0, le=64, description="processes that augment pictures")
    seed: int = Field(ge=0, description="seed of weights, order and augmentation")
    tensorboard: bool = Field(description="log to OUT/tensorboard")
    wandb: bool = Field(description="log to OUT/wandb for Weights & Biases, offline")
    resume: bool = Field(description="go on from last.pt in --out, with its settings")
