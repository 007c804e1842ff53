"""`quantize`: a checkpoint as ONNX in eight bits, the best variant within the allowed drop."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import onnx
import torch
from rich.console import Console
from torch import Tensor, nn

from training.checkpoint import load_checkpoint
from training.clean_figures import NOT_CLEAN_ON_VAL
from training.errors import BadInput, TrainingError
from training.export.contract import INPUT, OUTPUT, FileFacts
from training.export.network import facts_of, load_network
from training.export.onnx_file import OPSET, bare_network, served_model
from training.folders import read_folder
from training.machine import describe_machine
from training.pictures import MEAN, STD
from training.prepare.prepared_folder import write_class_index
from training.quantize.fine_tuning import tune
from training.quantize.options import QuantizeSettings
from training.quantize.range_pictures import range_pictures, resized
from training.quantize.search import Search, Tried
from training.quantize.table import (
    TIMED_SIDE_PX,
    Entry,
    Row,
    judge_model,
    latencies_ms,
    print_table,
    rows_of,
    write_table,
)
from training.quantize.variant import unusual, usual
from training.split_folders import split_folder
from training.train.options import TrainSettings
from training.train.splits import open_splits
from training.whole_file import check_writable, replace_bytes


class Plain(nn.Module):
    """uint8 `[batch, h, w, 3]` of the network's size → probabilities, as one writes it first."""

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mean", 255 * torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", 255 * torch.tensor(STD).view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Turn the planes to the front, normalise, classify."""
        planes = image.permute(0, 3, 1, 2).float()
        return torch.softmax(self.model((planes - self.mean) / self.std), dim=1)


def plain_export(model: nn.Module) -> onnx.ModelProto:
    """The network in float32 for pictures of 224 × 224, with Sub and Div in its graph."""
    program = torch.onnx.export(
        Plain(model).eval(),
        (torch.zeros(2, TIMED_SIDE_PX, TIMED_SIDE_PX, 3, dtype=torch.uint8),),
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        opset_version=OPSET,
        external_data=False,
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # it is only where the exporter writes the file itself
    return program.model_proto


# Latencies of one run closer than this are one and the same; then the smaller loss decides.
SAME_SPEED = 1.05


def quantize(settings: QuantizeSettings, console: Console) -> None:
    """Write the eight-bit ONNX file, its class index, and the table of what was tried.

    Raises BadInput for bad input, and TrainingError, with the table written but no model, where no
    variant keeps within the allowed drop.
    """
    if settings.out.suffix != ".onnx":
        raise BadInput(f"--out {settings.out}: must end in .onnx")
    check_writable("--out", settings.out.parent)
    checkpoint = load_checkpoint(settings.checkpoint)
    facts = facts_of(checkpoint, settings)
    network = load_network(checkpoint, settings.checkpoint)
    trained = _at_hand(checkpoint.train_settings(), settings)
    splits = open_splits(trained) if settings.tune_epochs else None
    val = read_folder(split_folder(settings.data, "val"), facts.classes)
    ranges_from = range_pictures(settings, facts.classes, facts.size_px)
    pictures = resized([val.root / path for path in val.paths], facts.size_px)
    labels = np.array(val.labels, np.int64)

    plain = plain_export(network.model)
    bare = bare_network(network, facts.size_px)
    float32 = served_model(bare, facts)
    judged = judge_model(float32, pictures, labels)
    if not judged.is_finite:
        raise BadInput(f"{settings.checkpoint}: the network answers with what is not a number")
    console.print(f"float32: accuracy {judged.accuracy:.4f}, loss {judged.nll:.4f}")
    search = Search(facts, ranges_from, pictures, labels, judged, settings.max_drop, console)
    everything = usual(settings.methods) + unusual(settings.methods)
    tried = search.on(bare, everything, 0 if splits else settings.float_layers)
    if splits and not search.good(tried):
        tuned = tune(network, splits, trained, settings, console)
        rounded = usual(settings.methods, tuned=True)
        tried += search.on(bare_network(tuned, facts.size_px), rounded, settings.float_layers)

    # The plain export is the same network, so it is as good as float32.
    entries = [Entry("plain", plain, judged), Entry("float32", float32, judged)]
    entries += [Entry(one.variant.name, one.model, one.judged) for one in tried]
    times = latencies_ms({entry.name: entry.model for entry in entries})
    good = search.good(tried)
    chosen = _best(good, times) if good else None
    keep: Entry | None = entries[1] if settings.or_float else None
    if chosen is not None:
        keep = next(entry for entry in entries if entry.model is chosen.model)
    finish(settings, facts, keep, rows_of(entries, times, keep), console)


def finish(
    settings: QuantizeSettings,
    facts: FileFacts,
    keep: Entry | None,
    rows: Sequence[Row],
    console: Console,
) -> None:
    """Write the table, then the model to keep. Raises TrainingError if there is none."""
    measured = {
        "checkpoint": str(settings.checkpoint),
        "judged_on": str(settings.data / "val"),
        "max_drop": settings.max_drop,
        "latency": "median, one thread, batch 1, uint8 224×224 in, models in turns",
        "machine": describe_machine(),
    }
    stored = keep.model.SerializeToString() if keep else b""
    if keep:
        measured |= {"model": settings.out.name, "sha256": hashlib.sha256(stored).hexdigest()}
    write_table(settings.report, rows, measured)
    print_table(rows, console)
    console.print(f"accuracy on val: {NOT_CLEAN_ON_VAL}", markup=False)
    if keep is None:
        best = max(rows[2:], key=lambda row: row.accuracy)
        raise TrainingError(
            f"no variant keeps within --max-drop {settings.max_drop}: the best, {best.name}, "
            f"costs {best.drop:.4f}; see {settings.report / 'quantize.csv'}"
        )
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    replace_bytes(settings.out, stored)
    write_class_index(settings.out.with_suffix(".class_index.json"), facts.classes)
    row = next(row for row in rows if row.chosen)
    console.print(
        f"{settings.out}: {keep.name}, {len(stored) / 1e6:.1f} MB, "
        f"another class than the network's on {row.other_top} of {row.pictures} pictures",
        markup=False,
    )


def _at_hand(trained: TrainSettings, settings: QuantizeSettings) -> TrainSettings:
    """The run's settings, but with the folders of now."""
    now = {"data": settings.data, "extra": settings.extra, "extra_val": ()}
    return trained.model_copy(update=now)


def _best(good: Sequence[Tried], times: dict[str, float]) -> Tried:
    """The smallest loss among those that are as fast as the fastest."""
    fastest = min(times[one.variant.name] for one in good)
    fast = [one for one in good if times[one.variant.name] <= SAME_SPEED * fastest]
    return min(fast, key=lambda one: one.judged.nll)
