"""`select`: choose the pictures of a pool that are worth labelling first.

The list is CSV: rank (from 1), path (relative to the pool), score (its meaning is
the strategy's, see `strategies`), and where the model knows the classes predicted, confidence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from training.embedding.extractor import Extractor, Features, features, open_extractor
from training.errors import BadInput
from training.folders import loose_pictures, say_passed_over
from training.selection.coverage import Candidates, Choice, unit_rows
from training.selection.options import SelectSettings
from training.selection.strategies import NEED_PROBABILITIES, STRATEGIES
from training.unreadable import MOST_NAMED, in_one_line, unreadable_among
from training.whole_file import replace_table


def read_pool(root: Path, console: Console) -> tuple[Path, ...]:
    """Pictures at any depth below `root`, relative to it, in a stable order.

    Sub-folders mean nothing here. What is passed over is said. Raises BadInput if there is no such
    folder or no picture.
    """
    found = loose_pictures(root)
    say_passed_over(console, root, found.passed_over)
    return tuple(sorted(map(Path, found.paths)))


def without_copies(root: Path, paths: tuple[Path, ...], of: Collection[Path]) -> tuple[Path, ...]:
    """`paths` less those whose bytes are those of a picture in `of`, or of an earlier path."""
    seen = {_digest(file) for file in of}
    kept = []
    for path in paths:
        digest = _digest(root / path)
        if digest not in seen:
            seen.add(digest)
            kept.append(path)
    return tuple(kept)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def select(settings: SelectSettings, console: Console) -> None:
    """Choose and write. Raises BadInput that names the option, folder or file."""
    labelled = _labelled(settings, console)
    pool = _readable(settings.pool, read_pool(settings.pool, console), console)
    fresh = without_copies(settings.pool, pool, labelled)
    if settings.count > len(fresh):
        raise BadInput(
            f"--count {settings.count}: {settings.pool} has {len(fresh)} different readable "
            "pictures without a label"
        )
    extractor = _extractor(settings)
    seen = _look(extractor, [settings.pool / path for path in fresh])
    done = _look(extractor, labelled).embeddings if labelled else seen.embeddings[:0]
    candidates = Candidates(unit_rows(seen.embeddings), unit_rows(done), seen.probabilities)
    rng = np.random.default_rng(settings.seed)
    choice = STRATEGIES[settings.strategy](candidates, settings.count, rng)
    _write(settings.out, choice, fresh, seen, extractor.classes if extractor else ())
    console.print(
        f"{settings.out}: {settings.count} of {len(fresh)} pictures, by {settings.strategy}"
        + (f"; {len(pool) - len(fresh)} copies left out" if len(fresh) < len(pool) else "")
    )


def _labelled(settings: SelectSettings, console: Console) -> list[Path]:
    if settings.labelled is None:
        return []
    root = settings.labelled
    return [root / path for path in _readable(root, read_pool(root, console), console)]


def _readable(root: Path, paths: tuple[Path, ...], console: Console) -> tuple[Path, ...]:
    """Without those that cannot be read, which are named; a pool is not stopped by one of them."""
    unreadable = unreadable_among(root / path for path in paths)
    for file, reason in list(unreadable.items())[:MOST_NAMED]:
        console.print(in_one_line(f"left out {file}: {reason}"), markup=False)
    if unreadable:
        count = f"{len(unreadable)} of {len(paths)} pictures cannot be read and are left out"
        console.print(in_one_line(f"{root}: {count}"), markup=False)
    return tuple(path for path in paths if root / path not in unreadable)


def _extractor(settings: SelectSettings) -> Extractor | None:
    if settings.strategy == "random":
        return None
    if not settings.model:
        raise BadInput(f"--model: is required with --strategy {settings.strategy}")
    extractor = open_extractor("--model", settings.model, settings.backbone, settings.size_px)
    if settings.strategy in NEED_PROBABILITIES and len(extractor.classes) < 2:
        raise BadInput(
            f"--strategy {settings.strategy}: needs classes, and {settings.model} names none"
        )
    return extractor


def _look(extractor: Extractor | None, files: Sequence[Path]) -> Features:
    """Features of the files; zeros for a strategy that does not look."""
    if extractor is None:
        return Features(np.zeros((len(files), 1), dtype=np.float32), None)
    return features(extractor, files)


def _write(
    out: Path, choice: Choice, paths: Sequence[Path], seen: Features, classes: Sequence[str]
) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    known = ["predicted", "confidence"] if seen.probabilities is not None else []
    rows: list[list[object]] = [["rank", "path", "score", *known]]
    for rank, (index, score) in enumerate(zip(choice.indices, choice.scores, strict=True), start=1):
        row: list[object] = [rank, in_one_line(paths[index].as_posix()), f"{score:.6f}"]
        if seen.probabilities is not None:
            best = int(seen.probabilities[index].argmax())
            row += [classes[best], f"{seen.probabilities[index, best]:.4f}"]
        rows.append(row)
    replace_table(out, rows)
