"""Quantise a checkpoint: try variants, judge each, keep the best within the allowed drop."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console

from training.checkpoint import load_checkpoint
from training.errors import BadInput, TrainingError
from training.export.contract import ModelFacts
from training.export.network import facts_of, load_network
from training.export.onnx_file import bare_network, served_model
from training.folders import PictureFolder, read_folder
from training.machine import describe_machine
from training.options import QuantizeSettings, TrainSettings
from training.pictures import open_picture
from training.prepare import write_class_index
from training.quantize.judge import Judged, judge_model, latencies_ms
from training.quantize.plain import plain_export
from training.quantize.search import Search, Tried
from training.quantize.static import Pixels, Quantiser, spread
from training.quantize.table import Row, print_table, write_table
from training.quantize.tune import tune
from training.splits import open_splits

# Latencies of one run closer than this are one and the same; then the smaller loss decides.
SAME_SPEED = 1.05


def quantize(settings: QuantizeSettings, console: Console) -> None:
    """Write the eight-bit ONNX file, its class index, and the table of what was tried.

    Raises BadInput for bad input, and TrainingError, with the table written but no model, where no
    variant keeps within the allowed drop.
    """
    if settings.out.suffix != ".onnx":
        raise BadInput(f"--out {settings.out}: must end in .onnx")
    checkpoint = load_checkpoint(settings.checkpoint)
    facts = facts_of(checkpoint, settings)
    val = read_folder(settings.data / "val", checkpoint.classes)
    ranges_from = _range_pictures(settings, facts)
    network = load_network(checkpoint, settings.checkpoint)
    trained = _at_hand(checkpoint.train_settings(), settings)
    splits = open_splits(trained) if settings.tune_epochs else None
    pictures, labels = _squashed(val.root, val.paths, facts.size_px), np.array(val.labels, np.int64)

    float32 = served_model(bare_network(network, facts.size_px), facts)
    plain = plain_export(network.model)
    judged = judge_model(float32, pictures, labels)
    console.print(f"float32: accuracy {judged.accuracy:.4f}, loss {judged.nll:.4f}")
    if splits:
        network = tune(network, splits, trained, settings, console)
    with Quantiser(bare_network(network, facts.size_px), facts.size_px, ranges_from) as quantiser:
        search = Search(quantiser, facts, pictures, labels, judged, console)
        tried = search.run(settings.methods, settings.max_drop, settings.float_layers)
    models = {"plain": plain, "float32": float32, **{t.variant.name: t.model for t in tried}}
    times = latencies_ms(models)
    good = [one for one in tried if search.keeps(one, settings.max_drop)]
    chosen = _best(good, times) if good else None
    rows = _rows(judged, tried, times, chosen)
    _finish(settings, facts, chosen, rows, console)


def _finish(
    settings: QuantizeSettings,
    facts: ModelFacts,
    chosen: Tried | None,
    rows: Sequence[Row],
    console: Console,
) -> None:
    """Write the table, then the model; refuse if there is none to write."""
    measured = {
        "checkpoint": str(settings.checkpoint),
        "judged_on": str(settings.data / "val"),
        "max_drop": settings.max_drop,
        "latency": "median, one thread, batch 1, uint8 224×224 in, models in turns",
        "machine": describe_machine(),
    }
    stored = chosen.model.SerializeToString() if chosen else b""
    if chosen:
        measured |= {"model": settings.out.name, "sha256": hashlib.sha256(stored).hexdigest()}
    write_table(settings.report, rows, measured)
    print_table(rows, console)
    if chosen is None:
        best = max(rows[2:], key=lambda row: row.accuracy)
        raise TrainingError(
            f"no variant keeps within --max-drop {settings.max_drop}: the best, {best.name}, "
            f"costs {best.drop:.4f}; see {settings.report / 'quantize.csv'}"
        )
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(chosen.model, str(settings.out))
    write_class_index(settings.out.with_suffix(".class_index.json"), facts.classes)
    console.print(f"{settings.out}: {chosen.variant.name}, {len(stored) / 1e6:.1f} MB")


def _at_hand(trained: TrainSettings, settings: QuantizeSettings) -> TrainSettings:
    """The run's settings, but with the folders of now."""
    now = {"data": settings.data, "extra": settings.extra, "extra_val": ()}
    return trained.model_copy(update=now)


def _best(good: Sequence[Tried], times: dict[str, float]) -> Tried:
    """The smallest loss among those that are as fast as the fastest."""
    fastest = min(times[one.variant.name] for one in good)
    fast = [one for one in good if times[one.variant.name] <= SAME_SPEED * fastest]
    return min(fast, key=lambda one: one.judged.nll)


def _rows(
    float32: Judged, tried: Sequence[Tried], times: dict[str, float], chosen: Tried | None
) -> list[Row]:
    """The plain export and float32 first; the plain export gives the same answers as float32."""
    entries = [("plain", float32, False), ("float32", float32, False)]
    entries += [(one.variant.name, one.judged, one is chosen) for one in tried]
    return [
        Row(
            name=name,
            accuracy=judged.accuracy,
            nll=judged.nll,
            drop=float32.accuracy - judged.accuracy,
            size_bytes=judged.size_bytes,
            latency_ms=times[name],
            ratio_to_plain=times["plain"] / times[name],
            ratio_to_fp32=times["float32"] / times[name],
            chosen=is_chosen,
        )
        for name, judged, is_chosen in entries
    ]


def _range_pictures(settings: QuantizeSettings, facts: ModelFacts) -> Pixels:
    """Training pictures, and a quarter from further folders where there are any."""
    further = [read_folder(root, facts.classes) for root in settings.extra]
    share = settings.pictures // 4 if further else 0
    chosen = _drawn(
        [read_folder(settings.data / "train", facts.classes)], settings.pictures - share, settings
    ) + _drawn(further, share, settings)
    return _stacked(chosen, facts.size_px)


def _drawn(folders: Sequence[PictureFolder], wanted: int, settings: QuantizeSettings) -> list[Path]:
    files = [folder.root / path for folder in folders for path in folder.paths]
    return [files[index] for index in spread(len(files), wanted, settings.seed)]


def _squashed(root: Path, paths: Sequence[Path], size_px: tuple[int, int]) -> Pixels:
    return _stacked([root / path for path in paths], size_px)


def _stacked(files: Sequence[Path], size_px: tuple[int, int]) -> Pixels:
    """uint8 `[files, h, w, 3]`, each squashed as the model file squashes what it is given."""
    height, width = size_px
    stack: NDArray[np.uint8] = np.empty((len(files), height, width, 3), np.uint8)
    for index, file in enumerate(files):
        stack[index] = np.asarray(
            open_picture(file).resize((width, height), Image.Resampling.BILINEAR)
        )
    return stack
