"""`audit`: look a folder of pictures through and write down what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.text import Text

from training.audit.duplicates import Pair, group_numbers, near_pairs, same_pictures
from training.audit.exclusion import exclusions, write_exclusions
from training.audit.findings import Findings, LabelCheck, LabelError, take_census
from training.audit.label_errors import classes_to_judge, suspect_labels
from training.audit.options import AuditSettings
from training.audit.outputs import print_findings, write_csv, write_json
from training.audit.page import write_page
from training.audit.reading import Scan, list_pictures, scan
from training.embedding.extractor import Extractor, Vector, look_at
from training.embedding.onnx_file import OnnxExtractor
from training.errors import BadInput, TrainingError
from training.folder_lock import only_one

LEARNED_TOO = "it was trained on these pictures, it has learned wrong labels along with right ones"

Embed = Callable[[Sequence[Path]], Iterator[Vector]]


@dataclass(frozen=True)
class Embedder:
    """`embed(paths)` gives a vector `[features]` for each; `caution` is for who reads on."""

    name: str
    embed: Embed
    caution: str = ""

    @classmethod
    def of(cls, name: str, extractor: Extractor, caution: str = "") -> Embedder:
        """From a model of any kind."""
        return cls(name, lambda files: (s.embedding for s in look_at(extractor, files)), caution)


def open_embedder(settings: AuditSettings) -> Embedder | None:
    """The network that --model or --weights names; None if neither does.

    Raises BadInput for a file that is none, or that does not fit --backbone.
    """
    model, weights = settings.model, settings.weights
    if model is not None and weights != "none":
        raise BadInput("--model, --weights: only one of them")
    if model is not None and model.suffix == ".onnx":
        return Embedder.of(str(model), OnnxExtractor("--model", model), f"if {LEARNED_TOO}")
    if model is None and weights == "none":
        return None
    from training.embedding.network import NetworkExtractor

    if model is not None:
        network = NetworkExtractor.of_checkpoint(model, settings.device)
        here = network.trained_on and network.trained_on.resolve() == settings.data.resolve()
        caution = f"since {LEARNED_TOO}" if here else ""
        return Embedder.of(f"{network.backbone} of {model}", network, caution)
    name, size_px = settings.backbone, settings.size_px
    network = NetworkExtractor.of_weights(weights, name, size_px, settings.device)
    return Embedder.of(f"{name} with {weights}", network)


T = TypeVar("T")


def audit(settings: AuditSettings, console: Console) -> Findings:
    """Find what is wrong, print it, and write it to `out` and `exclude_to`.

    Raises BadInput for a bad folder, model or place to write to; with `strict` TrainingError,
    after everything has been written, if there are files that cannot be read, conflicts or leaks.
    """
    embedder = open_embedder(settings)
    with only_one(settings.out, "another audit"):
        findings = examine(settings, embedder, console)
        print_findings(findings, console, settings.shown)
        _write(findings, settings, console)
    console.print(Text(findings.in_a_line))
    if settings.strict and findings.grave:
        grave = ", ".join(f"{what}: {count}" for what, count in findings.grave.items())
        raise TrainingError(f"--strict: {grave}")
    return findings


def examine(settings: AuditSettings, embedder: Embedder | None, console: Console) -> Findings:
    """All findings; nothing is written, and nothing but progress is shown."""
    listing = list_pictures(settings.data)
    scanned = scan(listing, _progress(listing.entries, len(listing.entries), "reading", console))
    prints = scanned.readable
    pairs = [
        *same_pictures(prints),
        *near_pairs(prints, settings.near_bits, settings.near_correlation),
    ]
    labels, notes = _check_labels(scanned, pairs, embedder, settings, console)
    census = take_census(listing, (print_.size_px for print_ in prints.values()))
    return Findings(scanned, census, settings.least_pictures, tuple(pairs), labels, notes)


def _check_labels(
    scanned: Scan,
    pairs: Sequence[Pair],
    embedder: Embedder | None,
    settings: AuditSettings,
    console: Console,
) -> tuple[LabelCheck | None, tuple[str, ...]]:
    """Doubtful labels, and notes on what was not checked or is to be taken with care."""
    if embedder is None:
        return None, ("Labels were not checked: that needs --weights or --model.",)
    folds, entries = settings.folds, list(scanned.readable)
    groups = group_numbers(entries, pairs)
    names = classes_to_judge([entry.label for entry in entries], groups, folds)
    if not names:
        return None, (
            f"Labels were not checked: needs two classes with {folds} different pictures.",
        )
    left_out = [name for name in scanned.listing.classes if name not in names]
    notes = [
        f"Labels of {n} were not checked: fewer than {folds} different pictures." for n in left_out
    ]
    if embedder.caution:
        notes.append(f"{embedder.name}: {embedder.caution}.")

    chosen = [i for i, entry in enumerate(entries) if entry.label in names]
    paths = [scanned.listing.root / entries[i].path for i in chosen]
    vectors = _progress(embedder.embed(paths), len(paths), "embedding", console)
    suspicion = suspect_labels(
        np.stack(list(vectors)),
        np.array([names.index(entries[i].label) for i in chosen]),
        groups[chosen],
        folds,
        settings.seed,
    )
    errors = tuple(
        LabelError(entries[chosen[s.index]], s.own, names[s.other], s.suggested)
        for s in suspicion.suspects
    )
    return LabelCheck(embedder.name, suspicion.accuracy, errors), tuple(notes)


def _write(findings: Findings, settings: AuditSettings, console: Console) -> None:
    out = settings.out
    try:
        write_json(out / "audit.json", findings)
        write_csv(out / "audit.csv", findings)
        write_page(out / "audit.html", findings, settings.pictured)
    except OSError as error:
        raise BadInput(f"--out {out}: {error.strerror}") from error
    console.print(Text(f"{out}: audit.html, audit.csv, audit.json"))
    if settings.exclude_to is not None:
        left_out = exclusions(findings, settings.exclude_label_errors)
        unnamed = write_exclusions(settings.exclude_to, settings.data, left_out)
        console.print(Text(f"{settings.exclude_to}: {len(left_out) - len(unnamed)} pictures"))
        for entry in unnamed:
            console.print(Text(f"{entry.name}: its name cannot stand in that file; rename it"))


def _progress(items: Iterable[T], total: int, what: str, console: Console) -> Iterator[T]:
    """The items; on a terminal with a bar that goes away at the end."""
    hidden = not console.is_terminal
    yield from track(items, what, total, console=console, transient=True, disable=hidden)
