"""Export a checkpoint: write the files, compare them with the network, measure, report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.console import Console
from torch import nn

from training import backbone
from training.checkpoint import Checkpoint, load_checkpoint
from training.errors import BadInput
from training.export.card import Measured, write_card
from training.export.contract import ModelFacts
from training.export.onnx_file import write_onnx
from training.export.parity import compare, reference
from training.export.runners import (
    Picture,
    judge,
    latency,
    onnx_runner,
    read_pixels,
    torchscript_runner,
)
from training.export.torchscript_file import write_torchscript
from training.folders import PictureFolder
from training.options import ExportSettings
from training.prepare import write_class_index
from training.splits import val_folders

TIMED_SIZES_PX = ((224, 224), (240, 320))


def export(settings: ExportSettings, console: Console) -> None:
    """Write ONNX, class index and card, and TorchScript if asked for.

    Raises BadInput for a bad checkpoint, ParityError if a file does not answer as the network.
    """
    if settings.out.suffix != ".onnx":
        raise BadInput(f"--out {settings.out}: must end in .onnx")
    checkpoint = load_checkpoint(settings.checkpoint)
    trained = checkpoint.train_settings()
    model = _network(checkpoint)
    facts = _facts(checkpoint, settings)
    folders = _folders_at_hand(checkpoint, console)
    pictures = _parity_pictures(list(folders.values()), settings.parity_pictures)
    wanted = reference(model, facts.size_px)

    write_onnx(model, facts, settings.out)
    run = onnx_runner(settings.out)
    measured = Measured(
        parity=compare(wanted, run, pictures, settings.parity_limit),
        sets={name: judge(run, folder) for name, folder in folders.items()},
        latency=latency(run, TIMED_SIZES_PX),
        bytes=settings.out.stat().st_size,
    )
    write_class_index(settings.out.with_suffix(".class_index.json"), facts.classes)
    title = settings.name or settings.out.stem
    write_card(settings.out.with_suffix(".md"), title, facts, trained, measured)
    _report(settings.out, measured, console)
    if settings.torchscript:
        write_torchscript(model, facts, settings.torchscript)
        scripted = torchscript_runner(settings.torchscript)
        parity = compare(wanted, scripted, pictures, settings.parity_limit)
        console.print(
            f"{settings.torchscript}: differs from the network by at most "
            f"{parity.largest_difference:.5f} on {parity.pictures} pictures"
        )


def _network(checkpoint: Checkpoint) -> nn.Module:
    model = backbone.build(checkpoint.train_settings(), len(checkpoint.classes)).model
    model.load_state_dict(checkpoint.weights)
    return model.eval()


def _facts(checkpoint: Checkpoint, settings: ExportSettings) -> ModelFacts:
    trained = checkpoint.train_settings()
    return ModelFacts(
        classes=checkpoint.classes,
        size_px=(settings.height_px or trained.size_px, settings.width_px or trained.size_px),
        backbone=trained.backbone,
        provenance=settings.provenance
        or f"Trained on {trained.data.name} from weights {Path(trained.weights).name}.",
        threshold=settings.threshold,
    )


def _folders_at_hand(checkpoint: Checkpoint, console: Console) -> dict[str, PictureFolder]:
    """The sets the run was judged by; none if they have moved since."""
    try:
        return val_folders(checkpoint.train_settings(), checkpoint.classes)
    except BadInput as error:
        console.print(f"not measured, and compared on random pictures only: {error}")
        return {}


def _parity_pictures(folders: list[PictureFolder], wanted: int) -> list[Picture]:
    """Pictures spread evenly over all sets, or random pixels where there are none."""
    paths = [folder.root / path for folder in folders for path in folder.paths]
    if not paths:
        rng = np.random.default_rng(0)
        return list(rng.integers(0, 256, (wanted, 240, 320, 3), dtype=np.uint8))
    chosen = np.linspace(0, len(paths) - 1, min(wanted, len(paths))).astype(int)
    return [read_pixels(paths[i]) for i in chosen]


def _report(path: Path, measured: Measured, console: Console) -> None:
    parity = measured.parity
    console.print(
        f"{path}: {measured.bytes / 1e6:.1f} MB, differs from the network by at most "
        f"{parity.largest_difference:.5f} on {parity.pictures} pictures"
    )
    for name, confusion in measured.sets.items():
        console.print(
            f"{name}: accuracy {confusion.accuracy:.4f}, macro F1 {confusion.macro_f1:.4f}"
        )
    for timed in measured.latency:
        height, width = timed.size_px
        console.print(
            f"one thread, batch 1, {width}×{height} in: median {timed.median_ms:.1f} ms, "
            f"95% {timed.p95_ms:.1f} ms"
        )
