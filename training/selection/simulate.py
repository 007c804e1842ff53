"""simulate: how many labels each strategy would have saved, on pictures whose labels are known.

The network stands still: its embeddings are computed once, and at each budget a head is trained
on the labels "asked for" so far and judged on val. OUT/ then holds

    features-train.npz, features-val.npz    embeddings, reused while model and pictures stay
    curve.csv       mean and interval per strategy and budget
    summary.json    settings, reference, areas, labels needed and their ratio to random's
    curve.png       accuracy against labels
    end_to_end/     with --end-to-end: run folders of the fine-tunings
"""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress

from training.embedding.extractor import Extractor, features, open_extractor
from training.errors import BadInput
from training.folder_lock import FolderLock
from training.folders import PictureFolder, class_names, read_folder
from training.selection.coverage import Vectors, unit_rows
from training.selection.fine_tuning import fine_tune
from training.selection.labelling import Bench, Campaign, Plan, budgets, play, with_all_labels
from training.selection.options import SimulateSettings
from training.selection.outcome import BASELINE, Outcome, summarise
from training.selection.outcome_files import (
    draw,
    fine_tuned_line,
    outcome_table,
    write_curve,
    write_summary,
)
from training.split_folders import split_folder
from training.whole_file import replace_bytes

VERSION = b"1"


def embeddings_of(folder: PictureFolder, extractor: Extractor, file: Path) -> tuple[Vectors, bool]:
    """Embeddings `[pictures, features]` in the folder's order, and whether they were at hand.

    `file` (.npz) is used if it was made by the same model from the same bytes under the same
    names, and replaced if not.
    """
    wanted = inputs_hash(folder, extractor)
    kept = _read(file, wanted)
    if kept is not None:
        return kept, True
    embeddings = features(extractor, [folder.root / path for path in folder.paths]).embeddings
    file.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    np.savez(content, inputs=np.array(wanted), embeddings=embeddings)
    replace_bytes(file, content.getbuffer())
    return embeddings, False


def inputs_hash(folder: PictureFolder, extractor: Extractor) -> str:
    """SHA-256 over the model and every picture's name and bytes."""
    digest = hashlib.sha256(VERSION + extractor.key.encode())
    for path in folder.paths:
        content = hashlib.sha256((folder.root / path).read_bytes()).digest()
        digest.update(path.as_posix().encode() + b"\0" + content)
    return digest.hexdigest()


def _read(file: Path, wanted: str) -> Vectors | None:
    """None unless the file is whole and of these inputs; a damaged one is made anew."""
    if not file.is_file():
        return None
    try:
        with np.load(file, allow_pickle=False) as kept:
            embeddings = np.asarray(kept["embeddings"], dtype=np.float32)
            if str(kept["inputs"]) == wanted and np.isfinite(embeddings).all():
                return embeddings
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return None


def simulate(settings: SimulateSettings, console: Console) -> None:
    """Run the experiment, write its files, print its table.

    Raises BadInput that names the option, folder or file before anything is trained.
    """
    classes = class_names(split_folder(settings.data, "train"))
    if len(classes) < 2:
        raise BadInput(f"{settings.data / 'train'}: at least two class folders are needed")
    train = read_folder(split_folder(settings.data, "train"), classes)
    val = read_folder(split_folder(settings.data, "val"), classes)
    plan = _plan(settings, len(train))
    _check_end_to_end(settings)
    bench = _bench(settings, train, val, console)
    lock = FolderLock(settings.out, "simulate.lock", "--out", "another simulation")
    lock.acquire()
    try:
        _experiment(settings, plan, train, bench, console)
    finally:
        lock.release()


def _experiment(
    settings: SimulateSettings,
    plan: Plan,
    train: PictureFolder,
    bench: Bench,
    console: Console,
) -> None:
    campaigns = _play_all(settings, bench, plan, console)
    full = with_all_labels(bench, settings.inverse_penalty) if settings.full else None
    outcome = summarise(campaigns, full, settings.share)
    # Written before the fine-tuning too, which may take hours.
    write_curve(settings.out / "curve.csv", outcome)
    write_summary(settings.out / "summary.json", settings, outcome, None)
    _draw(settings, outcome)
    if full is not None:
        console.print(
            f"all {full.labels} labels: accuracy {full.accuracy:.4f}, macro F1 "
            f"{full.macro_f1:.4f}; target {settings.share:.0%} of that: {outcome.target:.4f}"
        )
    console.print(outcome_table(outcome, settings.share))
    if settings.end_to_end:
        labels = min(plan.budgets, key=lambda b: abs(b - settings.end_to_end_labels))
        fine_tuned = fine_tune(outcome.best, campaigns, train, settings, labels)
        write_summary(settings.out / "summary.json", settings, outcome, fine_tuned)
        console.print(fine_tuned_line(fine_tuned))


def _plan(settings: SimulateSettings, pictures: int) -> Plan:
    chosen = tuple(budgets(settings.first, settings.step, settings.rounds, pictures))
    if len(chosen) < 2:
        raise BadInput(
            f"--first {settings.first}, --step {settings.step}: {pictures} pictures in "
            f"{settings.data / 'train'} are too few for two budgets"
        )
    return Plan(chosen, settings.start, settings.inverse_penalty)


def _check_end_to_end(settings: SimulateSettings) -> None:
    if settings.end_to_end > settings.seeds:
        raise BadInput(f"--end-to-end {settings.end_to_end}: only {settings.seeds} seeds")
    if settings.end_to_end and settings.weights.endswith(".onnx"):
        raise BadInput(f"--weights {settings.weights}: an ONNX file cannot be fine-tuned")


def _bench(
    settings: SimulateSettings, train: PictureFolder, val: PictureFolder, console: Console
) -> Bench:
    extractor = open_extractor("--weights", settings.weights, settings.backbone, settings.size_px)
    embedded = []
    for name, folder in (("train", train), ("val", val)):
        file = settings.out / f"features-{name}.npz"
        embeddings, kept = embeddings_of(folder, extractor, file)
        console.print(f"{file}: {len(folder)} embeddings {'reused' if kept else 'computed'}")
        embedded.append(unit_rows(embeddings))
    return Bench(
        train.classes, embedded[0], np.array(train.labels), embedded[1], np.array(val.labels)
    )


def _play_all(
    settings: SimulateSettings, bench: Bench, plan: Plan, console: Console
) -> dict[str, list[Campaign]]:
    names = list(dict.fromkeys([BASELINE, *settings.strategies]))
    played: dict[str, list[Campaign]] = {name: [] for name in names}
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("campaigns", total=len(names) * settings.seeds)
        for name in names:
            began = time.monotonic()
            for seed in range(settings.seed, settings.seed + settings.seeds):
                played[name].append(play(bench, plan, name, seed))
                progress.advance(bar)
            seconds = time.monotonic() - began
            console.print(f"{name}: {settings.seeds} campaigns in {seconds:.1f} s")
    return played


def _draw(settings: SimulateSettings, outcome: Outcome) -> None:
    draw(
        settings.out / "curve.png",
        f"{settings.data.resolve().name}: what labels are worth, mean of {outcome.seeds} seeds",
        outcome.budgets,
        {name: strategy.accuracy for name, strategy in outcome.strategies.items()},
        outcome.full.accuracy if outcome.full else None,
        outcome.target,
    )
