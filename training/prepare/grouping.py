"""Which pictures have to stay in one part: recordings that the user names, and alike pictures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.audit.groups import Groups, alike_groups, connected, identical_groups
from training.audit.reading import Entry, Fingerprint
from training.errors import BadInput
from training.prepare.options import PrepareSettings


class Grouping:
    """The number of each picture's group, and what there is to say about them.

    Raises BadInput for a --group-by that is no pattern or that fits no picture.
    """

    def __init__(
        self, entries: Sequence[Entry], prints: Sequence[Fingerprint], settings: PrepareSettings
    ) -> None:
        self.notes: list[str] = []
        self.groups: Groups = np.arange(len(entries), dtype=np.int64)
        self._labels = [entry.label for entry in entries]
        if settings.keep_together:
            self._join_alike(prints, settings)
        if settings.group_by:
            self._join_recordings(entries, settings.group_by)

    def _join_alike(self, prints: Sequence[Fingerprint], settings: PrepareSettings) -> None:
        alike = alike_groups(prints, settings.near_bits, settings.near_correlation)
        identical = identical_groups(prints)
        self.groups = self._split_classes_of_one_group(alike, identical)
        sizes = Counter(self.groups.tolist())
        several = [size for size in sizes.values() if size > 1]
        if several:
            copies = len(prints) - len(set(identical.tolist()))
            self.notes.append(
                f"{sum(several)} pictures are identical or nearly identical to others "
                f"({copies} of them copies): {len(several)} groups, each kept in one part"
            )

    def _split_classes_of_one_group(self, alike: Groups, identical: Groups) -> Groups:
        """A class whose pictures are all alike has to be split all the same, by its pixels."""
        labels = np.array(self._labels)
        groups = alike.copy()
        for name in sorted(set(self._labels)):
            own = np.flatnonzero(labels == name)
            if len(set(alike[own].tolist())) == 1 and len(set(identical[own].tolist())) > 1:
                groups[own] = groups.max() + 1 + identical[own]
                self.notes.append(
                    f"{name}: all {len(own)} pictures are nearly identical, so they are split "
                    "all the same; what is measured on them says little about others"
                )
        return groups

    def _join_recordings(self, entries: Sequence[Entry], by: str) -> None:
        keys = [_key(entry, by) for entry in entries]
        first: dict[str, int] = {}
        ends = [
            (first.setdefault(key, index), index)
            for index, key in enumerate(keys)
            if key is not None
        ]
        if not ends:
            raise BadInput(f"--group-by {by}: fits no picture")
        one, other = np.array(ends, dtype=np.int64).T
        self.groups = connected(self.groups, one, other)
        alone = keys.count(None)
        self.notes.append(
            f"--group-by: {len(first)} groups, each kept in one part"
            + (f"; {alone} pictures belong to none" if alone else "")
        )


def _key(entry: Entry, by: str) -> str | None:
    """What the pictures of a recording have in common; None for a picture of no recording.

    A number is the level of a folder below the class folder. A pattern is looked for in the path
    below it: what its first group matches, or all of it.
    """
    inside = entry.path.parts[1:]
    if by.isdecimal():
        level = int(by)
        return "/".join(inside[:level]) if 0 < level < len(inside) else None
    found = re.search(by, Path(*inside).as_posix())
    if found is None:
        return None
    return found.group(1) if found.re.groups else found.group()
