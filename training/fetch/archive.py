"""A published set of pictures: where it lies, what is in it, how its makers split it."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.errors import BadInput

TRASHNET_FILE = Path(__file__).with_name("trashnet.toml")
PARTS_WITH_DIGEST = ("train", "val")


@dataclass(frozen=True)
class Archive:
    """A zip file in a data set repository of the hub, known to the byte.

    `split` maps each picture, named CLASS/NAME, to its part. `digest` is that of the pictures of
    train and val, for copies of the set that were packed anew.
    """

    repository: str
    revision: str
    file: str
    size_bytes: int
    sha256: str
    largest_picture_bytes: int
    split: Mapping[str, str]
    digest: str

    @property
    def address(self) -> str:
        """Where it lies, in the hub's own notation."""
        return f"hf://datasets/{self.repository}@{self.revision}/{self.file}"

    def check_names(self, names: frozenset[str], where: str) -> None:
        """Raise BadInput unless a copy holds exactly the pictures it should."""
        expected = frozenset(self.split)
        if missing := sorted(expected - names):
            held = f"{len(expected) - len(missing)} of {len(expected)} pictures"
            raise BadInput(f"{where}: holds {held}, {missing[0]} is not there")
        if unknown := sorted(names - expected):
            raise BadInput(f"{where}: {unknown[0]} is not a picture of the set")

    def check_pictures(self, hashes: Mapping[str, str], where: str) -> None:
        """Raise BadInput unless the pictures, name → SHA-256, are those of the set."""
        known = {n: h for n, h in hashes.items() if self.split[n] in PARTS_WITH_DIGEST}
        if picture_digest(known) != self.digest:
            raise BadInput(f"{where}: photographs differ from those published as {self.address}")


def picture_digest(hashes: Mapping[str, str]) -> str:
    """SHA-256 over the lines `SHA256  NAME`, sorted by name."""
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(hashes.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def trashnet() -> Archive:
    """TrashNet, its photographs at 512×384 pixels."""
    facts = tomllib.loads(TRASHNET_FILE.read_text(encoding="utf-8"))
    parts = {part: facts.pop(part) for part in ("val", "test")}
    split = {
        f"{name}/{name}{number}.jpg": next(
            (part for part, numbers in parts.items() if number in numbers[name]), "train"
        )
        for name, pictures in facts.pop("pictures").items()
        for number in range(1, pictures + 1)
    }
    return Archive(split=split, **facts)
