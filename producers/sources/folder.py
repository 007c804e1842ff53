"""Pictures in a folder: an ImageFolder tree, whose sub-folders are the truth, or a flat folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

from line import pictures
from line.pictures import Picture
from line.plain_text import plain
from producers.randomness import Purpose, stream, streams
from producers.sources.picture_list import PictureList, list_pictures
from producers.sources.source import ItemFacts
from producers.sources.stretch import stretched

Order = Literal["once", "random"]


class Paths(Protocol):
    """Paths by place, in memory or in a file."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> str: ...

    def __iter__(self) -> Iterator[str]: ...


class FolderSource:
    """The pictures below `root`, read when they are asked for.

    Where sub-folders hold pictures, they are the classes; else the pictures of `root` itself are
    fed without truth. Which pictures there are is told by `listed`, the list of a run, or found out
    now, see `list_pictures`. No file is opened before its turn.

    `once` feeds every picture exactly once, in an order drawn from the seed: lane c of n gets
    places c, c + n, c + 2n … of it. `random` draws with replacement, without end.

    Pictures are shown at their own size, or stretched to `frame` = (width_px, height_px). One with
    more than `max_pixels` or `max_bytes` is not shown.
    """

    is_reproducible = True

    def __init__(
        self,
        root: Path,
        *,
        seed: int,
        order: Order,
        cameras: int,
        frame: tuple[int, int] | None,
        max_pixels: int,
        max_bytes: int,
        max_items: int,
        listed: PictureList | None = None,
    ) -> None:
        self._root = root
        self._seed = seed
        self._cameras = cameras
        self._frame = frame
        self._max_pixels = max_pixels
        self._max_bytes = max_bytes
        self._is_fed_once = order == "once"
        self._listed = listed
        self.paths: Paths
        """inside the folder, in the order of feeding if each is fed once"""
        self.classes: tuple[str, ...] | None
        self.passed_over = ""
        """what else lies in the folder, in words; empty where a list says what there is"""
        if listed is not None:
            self.paths, self.classes = listed, listed.classes
        else:
            found = list_pictures(root, max_items)
            self.paths, self.classes = found.paths, found.classes
            self.passed_over = found.passed_over
            if self._is_fed_once:
                places = stream(seed, 0, 0, Purpose.ORDER).permutation(len(found.paths))
                self.paths = [found.paths[place] for place in places]

    @property
    def length(self) -> int | None:
        """The number of pictures when each is fed once."""
        return len(self.paths) if self._is_fed_once else None

    @property
    def is_exact(self) -> bool:
        """A folder that is fed once is a test set."""
        return self._is_fed_once

    def length_for(self, camera: int) -> int | None:
        """How many of them go to one lane."""
        return None if self.length is None else len(range(camera, self.length, self._cameras))

    @property
    def files(self) -> Iterator[Path]:
        """Of all pictures, as paths inside `root`: where each is fed once, in that order."""
        return map(Path, self.paths)

    def facts(self, camera: int, seq: int) -> ItemFacts:
        """The sub-folder's name and the path inside `root`. Raises IndexError past the end."""
        path = self._path(camera, seq)
        true_class = None if self.classes is None else _class(path)
        return ItemFacts(true_class, plain(path))

    def true_classes(self, camera: int) -> Iterator[str]:
        """Of item 0, 1, 2 … of a lane, to its end; where the sub-folders are classes."""
        if self._is_fed_once:
            places = range(camera, len(self.paths), self._cameras)
            return (_class(self.paths[place]) for place in places)
        drawn = streams(self._seed, camera, Purpose.ITEM)
        return (_class(self.paths[int(rng.integers(len(self.paths)))]) for rng in drawn)

    def picture(self, camera: int, seq: int) -> Picture:
        """The picture, upright. Raises PictureError, naming the path, for a damaged body."""
        path = self._root / self._path(camera, seq)
        picture = pictures.read(path, self._max_pixels, self._max_bytes)
        height_px, width_px = picture.shape[:2]
        if self._frame is None or self._frame == (width_px, height_px):
            return picture
        return stretched(picture, *self._frame)

    def close(self) -> None:
        """Close the list, if there is one."""
        if self._listed is not None:
            self._listed.close()

    def _path(self, camera: int, seq: int) -> str:
        if self._is_fed_once:
            return self.paths[camera + seq * self._cameras]
        rng = stream(self._seed, camera, seq, Purpose.ITEM)
        return self.paths[int(rng.integers(len(self.paths)))]


def _class(path: str) -> str:
    return path.split("/", 1)[0]
