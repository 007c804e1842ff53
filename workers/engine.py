"""What a loaded model is to whoever asks it; the ways to run one are in `workers/engines/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from line.pictures import Picture


@dataclass(frozen=True, slots=True)
class Takes:
    """What a model is limited to; None = any."""

    batch: int | None = None
    height_px: int | None = None
    width_px: int | None = None

    @property
    def size(self) -> str:
        """In words; only where at least one side is limited."""
        if self.height_px and self.width_px:
            return f"{self.width_px}x{self.height_px}"
        return f"{self.height_px} px height" if self.height_px else f"{self.width_px} px width"

    def within(self, height_px: int, width_px: int) -> tuple[int, int]:
        """Height and width, each as it is limited, else as given."""
        return self.height_px or height_px, self.width_px or width_px

    def fits(self, height_px: int, width_px: int) -> bool:
        """Whether pictures of that size are taken."""
        return self.height_px in (None, height_px) and self.width_px in (None, width_px)


ANY = Takes()


class Engine(Protocol):
    """A loaded model."""

    @property
    def metadata(self) -> dict[str, str]:
        """The `scrapline.…` entries that travel inside the file, without the prefix."""

    @property
    def takes(self) -> Takes:
        """What the file itself says that it is limited to."""

    def classify(self, batch: Picture) -> NDArray[np.float32]:
        """`batch`: uint8 [n, height, width, 3]; what the model gives, best float32 [n, classes].

        Raises:
            ModelError: whatever the graph raises.
        """
