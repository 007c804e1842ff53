"""Export a checkpoint: write the files, compare them with the network, measure, report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from training.checkpoint import Checkpoint, load_checkpoint
from training.clean_figures import NOT_CLEAN_ON_VAL
from training.errors import BadInput
from training.export.network import facts_of, load_network, torchscript_of
from training.export.onnx_file import bare_network, in_half, save_with_parity, served_model
from training.export.options import ExportSettings
from training.export.runners import (
    Latency,
    Parity,
    compare,
    judge,
    latency,
    onnx_runner,
)
from training.export.torch_runners import reference, torchscript_runner
from training.folders import PictureFolder
from training.metrics import never_right_line
from training.pictures import Picture, read_pixels
from training.prepare.prepared_folder import write_class_index
from training.report.card import Measured, write_measured
from training.train.splits import val_folders
from training.whole_file import check_writable, replace_bytes

TIMED_SIZES_PX = ((224, 224), (240, 320))


def export(settings: ExportSettings, console: Console) -> None:
    """Write ONNX, class index and card, and half precision and TorchScript if asked for.

    Raises BadInput for a bad checkpoint, ParityError if a file does not answer as the network; one
    that does not is not written.
    """
    _check_names(settings)
    checkpoint = load_checkpoint(settings.checkpoint)
    trained = checkpoint.train_settings()
    network = load_network(checkpoint, settings.checkpoint)
    facts = facts_of(checkpoint, settings)
    folders = _folders_at_hand(checkpoint, console)
    pictures = _parity_pictures(list(folders.values()), settings.parity_pictures)
    wanted = reference(network.model, facts.size_px)

    bare = bare_network(network, facts.size_px)
    served = served_model(bare, facts)
    run = onnx_runner(served.SerializeToString())
    parity = compare(wanted, run, pictures, settings.parity_limit)
    save_with_parity(served, parity, settings.out)
    measured = Measured(
        sets={name: judge(run, folder) for name, folder in folders.items()},
        latency=latency(run, TIMED_SIZES_PX),
    )
    write_class_index(settings.out.with_suffix(".class_index.json"), facts.classes)
    title = settings.name or settings.out.stem
    write_measured(settings.out, title, settings.checkpoint, trained, measured)
    _report(settings.out, parity, measured, console)
    if settings.fp16:
        half = served_model(in_half(bare), facts)
        run = onnx_runner(half.SerializeToString())
        parity = compare(wanted, run, pictures, settings.parity_limit)
        save_with_parity(half, parity, settings.fp16)
        _report_file(settings.fp16, parity, console)
        _report_latency(latency(run, TIMED_SIZES_PX[:1]), console)
    if settings.torchscript:
        scripted = torchscript_of(network.model, facts)
        run = torchscript_runner(scripted)
        parity = compare(wanted, run, pictures, settings.parity_limit)
        settings.torchscript.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(settings.torchscript, scripted)
        _report_file(settings.torchscript, parity, console)


def _check_names(settings: ExportSettings) -> None:
    for option, path in (("--out", settings.out), ("--fp16", settings.fp16)):
        if path is not None and path.suffix != ".onnx":
            raise BadInput(f"{option} {path}: must end in .onnx")
        if path is not None:
            check_writable(option, path.parent)
    if settings.fp16 is not None and settings.fp16.resolve() == settings.out.resolve():
        raise BadInput(f"--fp16 {settings.fp16}: is --out itself")


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


def _report(path: Path, parity: Parity, measured: Measured, console: Console) -> None:
    _report_file(path, parity, console)
    for name, confusion in measured.sets.items():
        console.print(
            f"{name}: accuracy {confusion.accuracy:.4f}, macro F1 {confusion.macro_f1:.4f}"
        )
        if warning := never_right_line(confusion.per_class(), f"on {name}"):
            console.print(warning, markup=False)
        if name == "val":
            console.print(f"val: {NOT_CLEAN_ON_VAL}", markup=False)
    _report_latency(measured.latency, console)


def _report_file(path: Path, parity: Parity, console: Console) -> None:
    console.print(
        f"{path}: {path.stat().st_size / 1e6:.1f} MB, differs from the network by at most "
        f"{parity.largest_difference:.5f} on {parity.pictures} pictures, "
        f"{parity.other_top} other top classes"
    )


def _report_latency(latencies: Sequence[Latency], console: Console) -> None:
    for timed in latencies:
        height, width = timed.size_px
        console.print(
            f"one thread, batch 1, {width}×{height} in: median {timed.median_ms:.1f} ms, "
            f"95% {timed.p95_ms:.1f} ms"
        )
