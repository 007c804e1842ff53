"""Which sizes a source's pictures have, and whether a model takes them: asked before a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from line import pictures
from line.errors import BadInput, PictureError
from line.settings import Settings
from producers.sources import FolderSource, RecordedSource, Source, WebcamSource

if TYPE_CHECKING:  # it loads ONNX Runtime, which most commands do without
    from workers.model import Model

Size = tuple[int, int]
"""Height and width in pixels."""

_LARGEST_SIDE_PX = 4096
"""Of a picture that a model is tried on before a run."""


def first_size(source: Source, settings: Settings) -> Size | None:
    """Of the first picture that the line will see; None where nobody knows yet."""
    if settings.drawn_px is not None:
        return settings.drawn_px
    size: Size | None = None
    try:
        if isinstance(source, FolderSource):
            _, size = next(_in_folder(source, settings), (None, None))
        elif isinstance(source, RecordedSource):
            shot = source.shot(0, 0)
            size = shot.height_px, shot.width_px
        elif not isinstance(source, WebcamSource):
            height_px, width_px = source.picture(0, 0).shape[:2]
            size = height_px, width_px
    except (PictureError, IndexError):
        return None
    return size if size is not None and max(size) <= _LARGEST_SIDE_PX else None


def refuse_other_sizes(source: Source, settings: Settings, model: Model) -> None:
    """Where the file says that it takes one size alone, every picture of a folder is looked at.

    Raises:
        BadInput: naming the first picture that does not fit.
    """
    takes = model.takes
    if takes.fits(-1, -1) or not isinstance(source, FolderSource):
        return
    for path, (height_px, width_px) in _in_folder(source, settings):
        if not takes.fits(height_px, width_px):
            raise BadInput(
                f"{path}: is {width_px}x{height_px}, "
                f"and {model.facts.path} takes pictures of {takes.size} only"
            )


def _in_folder(source: FolderSource, settings: Settings) -> Iterator[tuple[Path, Size]]:
    """Every picture's file and size by its header; those that cannot be read are left out."""
    root = Path(settings.source.spec).expanduser()
    limits = settings.source.max_megapixels * 1e6, settings.source.max_file_mb * 1e6
    for path in source.files:
        try:
            yield root / path, pictures.size_px(root / path, *limits)
        except PictureError:
            continue
