"""What does not change during a run, as its folder says: title, classes, the belt's measures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from line.errors import BadInput
from line.model.facts import ModelFacts
from line.own_file import LARGEST_JSON, read_regular
from line.settings import Settings


@dataclass(frozen=True)
class RunFacts:
    """One run. Lengths in metres; the belt runs from the infeed (0) to its end."""

    run_dir: Path
    settings: Settings
    model: ModelFacts

    @classmethod
    def load(cls, run_dir: Path) -> RunFacts:
        """Raises BadInput, naming the folder, if it is none of a run or is damaged."""
        try:
            text = read_regular(run_dir / "settings.json", LARGEST_JSON)
            return cls(run_dir, Settings.model_validate_json(text), ModelFacts.load(run_dir))
        except FileNotFoundError:
            raise BadInput(f"{run_dir}: not a run folder") from None
        except OSError as error:
            raise BadInput(f"{error.filename or run_dir}: {error.strerror or error}") from None
        except (ValidationError, BadInput):
            raise BadInput(f"{run_dir}: made by another version, or damaged") from None

    @property
    def title(self) -> str:
        return self.settings.title

    @property
    def bins(self) -> tuple[str, ...]:
        """Classes that have a bin with an ejector, in the model's order."""
        residue = self.settings.belt.residue_class
        return tuple(name for name in self.model.classes if name != residue)

    @property
    def camera_m(self) -> float:
        """Place of the photo-eye."""
        return self.settings.belt.infeed_to_camera_m

    @property
    def ejector_m(self) -> float:
        return self.camera_m + self.settings.belt.camera_to_ejector_m

    @property
    def end_m(self) -> float:
        return self.ejector_m + self.settings.belt.ejector_to_end_m

    def deadline_m(self, speed_m_per_s: float) -> float:
        """Where an item is when its deadline passes; the ejector's place less the actuator's time.

        Clamped to the photo-eye: at that speed nothing can be decided in time.
        """
        travelled = speed_m_per_s * self.settings.belt.actuator_ms / 1000
        return max(self.camera_m, self.ejector_m - travelled)
