"""What a loaded model is to whoever asks it; the ways to run one are in `workers/engines/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

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


class Answers(NamedTuple):
    """Of a batch: float32 [n, classes], and of a model that gives them the energies, [n]."""

    probabilities: NDArray[np.float32]
    energies: NDArray[np.float32] | None = None
    """the higher, the less a picture is like what the model was made of; Liu et al. (2020)"""


class Engine(Protocol):
    """A loaded model."""

    @property
    def metadata(self) -> dict[str, str]:
        """The `scrapline.…` entries that travel inside the file, without the prefix."""

    @property
    def takes(self) -> Takes:
        """What the file itself says that it is limited to."""

    @property
    def gives_energy(self) -> bool:
        """Whether its answers have energies."""

    def classify(self, batch: Picture) -> Answers:
        """`batch`: uint8 [n, height, width, 3]; what the model gives, as it is.

        Raises:
            ModelError: whatever the graph raises.
        """
