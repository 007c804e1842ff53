"""Which pictures training should leave out, and why.

A picture is left out if it cannot be read; if it, or its double, has another label elsewhere; if
it is in a more held-out split too, whatever happens to it there; or if the same split has it
already. So of every set of doubles at most one is left, and what judges a network is not learned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from training.audit.duplicates import Kind, Mark
from training.audit.findings import Findings
from training.audit.reading import UNSPLIT, Entry
from training.errors import BadInput
from training.whole_file import replace_text

HELD_OUT_FIRST = ("test", "calibration", "val", "train", UNSPLIT)


def exclusions(findings: Findings, label_errors: bool) -> dict[Entry, str]:
    """The pictures to leave out with one line each why; suspected labels only if asked for."""
    left_out = dict.fromkeys(findings.scan.unreadable, "not readable")
    left_out |= _conflicting(findings)
    _add_duplicates(findings, left_out)
    if label_errors:
        for error in findings.label_errors:
            left_out.setdefault(error.entry, f"{error.suggested} rather than {error.entry.label}")
    return left_out


def write_exclusions(path: Path, root: Path, left_out: dict[Entry, str]) -> list[Entry]:
    """Write what `train --exclude` reads, and return what a line cannot name. BadInput if not.

    A name cannot stand on a line if it has a `#` or a line break, begins or ends with a blank, is
    not UTF-8, or belongs to a link that leads nowhere.
    """
    entries = sorted(left_out, key=lambda entry: entry.path)
    named = [entry for entry in entries if _can_be_named(entry, root)]
    lines = [f"{entry.path.as_posix()}  # {left_out[entry]}\n" for entry in named]
    head = "# Pictures that an audit found fault with, for `train --exclude`.\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, head + "".join(lines))
    except OSError as error:
        raise BadInput(f"--exclude-to {path}: {error.strerror}") from error
    return [entry for entry in entries if entry not in set(named)]


def _conflicting(findings: Findings) -> dict[Entry, str]:
    """Both sides of every pair with two labels, and all their copies."""
    against: dict[bytes, list[Entry]] = defaultdict(list)
    prints = findings.scan.readable
    for pair in findings.marked(Mark.CONFLICT):
        against[prints[pair.first].pixel_hash].append(pair.second)
        against[prints[pair.second].pixel_hash].append(pair.first)
    conflicting = {}
    for entry, print_ in prints.items():
        for other in against.get(print_.pixel_hash, ()):
            if other.label != entry.label:
                conflicting[entry] = f"{entry.label}, but {other.label} as {other.name}"
                break
    return conflicting


def _add_duplicates(findings: Findings, left_out: dict[Entry, str]) -> None:
    prints = findings.scan.readable
    # Pictures with the same pixels share their neighbours, so these are kept by pixel hash.
    neighbours: dict[bytes, set[bytes]] = defaultdict(set)
    for pair in findings.pairs:
        if pair.kind is Kind.NEAR:
            first, second = prints[pair.first].pixel_hash, prints[pair.second].pixel_hash
            neighbours[first].add(second)
            neighbours[second].add(first)
    held_out: dict[bytes, Entry] = {}
    for split in HELD_OUT_FIRST:
        members = {e: print_.pixel_hash for e, print_ in prints.items() if e.split == split}
        taken = dict(held_out)
        for entry, hash_ in members.items():
            if entry in left_out:
                continue
            double = _first(taken, (hash_, *sorted(neighbours[hash_])))
            if double is None:
                taken[hash_] = entry
            else:
                left_out[entry] = f"as {double.name}"
        # A faulty picture stays where it judges: this list is for training.
        held_out = {**{hash_: entry for entry, hash_ in members.items()}, **held_out}


def _first(taken: dict[bytes, Entry], hashes: Iterable[bytes]) -> Entry | None:
    return next((taken[hash_] for hash_ in hashes if hash_ in taken), None)


def _can_be_named(entry: Entry, root: Path) -> bool:
    text = entry.path.as_posix()
    plain = text.strip() == text and "#" not in text and entry.name == text
    return plain and len(text.splitlines()) == 1 and (root / entry.path).is_file()
