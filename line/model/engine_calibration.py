"""What labelled pictures said about an engine other than the default, kept in the model file.

Engines differ in their answers, so each has a temperature and a threshold of its own. The default
engine's are those of the file itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, ValidationError

from line.errors import BadInput
from line.section import EngineName, Fraction, Section
from line.validation_errors import first_fault

_Count = Annotated[int, Field(ge=0, le=10**9)]


class EngineCalibration(Section):
    """The entry `scrapline.engine.NAME`, as JSON.

    Counts are of `pictures`; those out of fold were judged by what the others had said.
    """

    temperature: float = Field(gt=0, le=1000, description="logarithms of the answers ÷ this")
    threshold: Fraction
    pictures: _Count
    same_class: _Count = Field(description="the class that the default engine gives as well")
    moved: _Count = Field(description="a probability differs by more than 0.02")
    crossed: _Count = Field(description="the default's threshold is between the two answers")
    sure: _Count = Field(description="out of fold: reached the threshold")
    right: _Count = Field(description="of these")
    version: str = Field(max_length=100, description="of the engine")
    processor: str = Field(max_length=1000, description="its flags, as far as they count")


def entry_of(engine: EngineName) -> str:
    """The name of the entry, without `scrapline.`."""
    return f"engine.{engine}"


def calibration_of(entries: Mapping[str, str], engine: EngineName) -> EngineCalibration | None:
    """`entries`: of a file, without `scrapline.`; None if it was not calibrated for the engine.

    Raises:
        BadInput: naming the entry that is damaged.
    """
    text = entries.get(entry_of(engine))
    if text is None:
        return None
    try:
        return EngineCalibration.model_validate_json(text)
    except (ValidationError, RecursionError) as error:
        why = first_fault(error) if isinstance(error, ValidationError) else "nested too deep"
        raise BadInput(f"scrapline.{entry_of(engine)}: {why}") from None
