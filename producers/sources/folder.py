"""Pictures in a folder: an ImageFolder tree, whose sub-folders are the truth, or a flat folder."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from line import pictures
from line.errors import BadInput, PictureError
from line.pictures import Picture
from producers.randomness import Purpose, stream
from producers.sources.source import ItemFacts
from producers.streams import streams

Order = Literal["once", "random"]


class FolderSource:
    """The pictures below `root`, read when they are asked for.

    Where sub-folders hold pictures, they are the classes; else the pictures of `root` itself are
    fed without truth. Hidden files and folders are passed over.

    `once` feeds every picture exactly once, in an order drawn from the seed: lane c of n gets
    places c, c + n, c + 2n … of it. `random` draws with replacement, without end.

    Pictures are shown at their own size, or stretched to `frame` = (width_px, height_px). Raises
    BadInput, naming the path, for a folder that is missing, without pictures or with more than
    `max_items`, and for any file in it that is not a picture or has more than `max_pixels` or
    `max_bytes`.
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
    ) -> None:
        self._root = root
        self._seed = seed
        self._cameras = cameras
        self._frame = frame
        self._max_pixels = max_pixels
        self._max_bytes = max_bytes
        self._paths, self.classes = _scan(root, max_items)
        for path in self._paths:
            try:
                pictures.check_header(root / path, max_pixels, max_bytes)
            except PictureError as error:
                raise BadInput(str(error)) from None
        self._places = (
            stream(seed, 0, 0, Purpose.ORDER).permutation(len(self._paths))
            if order == "once"
            else None
        )

    @property
    def length(self) -> int | None:
        """The number of pictures when each is fed once."""
        return None if self._places is None else len(self._places)

    @property
    def is_exact(self) -> bool:
        """A folder that is fed once is a test set."""
        return self._places is not None

    def length_for(self, camera: int) -> int | None:
        """How many of them go to one lane."""
        return None if self.length is None else len(range(camera, self.length, self._cameras))

    @property
    def files(self) -> Iterator[Path]:
        """Of all pictures, as paths inside `root`: where each is fed once, in that order."""
        if self._places is None:
            return iter(self._paths)
        return (self._paths[int(place)] for place in self._places)

    def facts(self, camera: int, seq: int) -> ItemFacts:
        """The sub-folder's name and the path inside `root`. Raises IndexError past the end."""
        path = self._path(camera, seq)
        true_class = None if self.classes is None else path.parts[0]
        return ItemFacts(true_class, path.as_posix())

    def true_classes(self, camera: int) -> Iterator[str]:
        """Of item 0, 1, 2 … of a lane, to its end; where the sub-folders are classes."""
        if self._places is None:
            drawn = streams(self._seed, camera, Purpose.ITEM)
            paths = (self._paths[int(rng.integers(len(self._paths)))] for rng in drawn)
        else:
            paths = (self._paths[int(n)] for n in self._places[camera :: self._cameras])
        return (path.parts[0] for path in paths)

    def picture(self, camera: int, seq: int) -> Picture:
        """The picture, upright. Raises PictureError, naming the path, for a damaged body."""
        path = self._root / self._path(camera, seq)
        picture = pictures.read(path, self._max_pixels, self._max_bytes)
        height_px, width_px = picture.shape[:2]
        if self._frame is None or self._frame == (width_px, height_px):
            return picture
        fitted = Image.fromarray(picture).resize(self._frame, Image.Resampling.LANCZOS)
        return np.array(fitted)

    def close(self) -> None:
        """Nothing is held."""

    def _path(self, camera: int, seq: int) -> Path:
        if self._places is not None:
            return self._paths[int(self._places[camera + seq * self._cameras])]
        rng = stream(self._seed, camera, seq, Purpose.ITEM)
        return self._paths[int(rng.integers(len(self._paths)))]


def _scan(root: Path, max_items: int) -> tuple[list[Path], tuple[str, ...] | None]:
    """The pictures as paths inside `root`, sorted, and the classes, if there are any."""
    if not root.is_dir():
        raise BadInput(f"{root}: no such folder")
    files = (
        path.relative_to(root)
        for path in root.rglob("*")
        if path.suffix.lower() in pictures.SUFFIXES and path.is_file()
    )
    found = sorted(islice(files, max_items + 1), key=Path.as_posix)
    if len(found) > max_items:
        raise BadInput(f"{root}: more pictures than source.max_items = {max_items}")
    shown = [path for path in found if not any(part.startswith(".") for part in path.parts)]
    loose = [path for path in shown if len(path.parts) == 1]
    if not shown:
        raise BadInput(f"{root}: no pictures in it ({' '.join(sorted(pictures.SUFFIXES))})")
    if not loose:
        return shown, tuple(sorted({path.parts[0] for path in shown}))
    if len(loose) < len(shown):
        raise BadInput(f"{root / loose[0]}: lies beside class folders, so its class is not known")
    return shown, None
