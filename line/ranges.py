"""What a field of a message may hold beyond its type, as annotations that `line.codec` checks."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

LONGEST_TEXT = 4096
"""Characters of a text whose field names no other length."""
LONGEST_LIST = 65_536
"""Entries of a list whose field names no other length."""


class Range(Protocol):
    """Checks a value that has the right type."""

    def check(self, value: object) -> None:
        """Raises ValueError for one that is outside."""


@dataclass(frozen=True)
class Between:
    """A number from `low` to `high`, both included."""

    low: float
    high: float

    def check(self, value: object) -> None:
        assert isinstance(value, int | float)
        if not self.low <= value <= self.high:
            raise ValueError(f"must be {self.low:g} to {self.high:g}, not {value!r}"[:80])


@dataclass(frozen=True)
class Longest:
    """A text of at most so many characters, or a list of at most so many entries."""

    length: int

    def check(self, value: object) -> None:
        assert isinstance(value, str | tuple | list)
        if len(value) > self.length:
            raise ValueError(f"longer than {self.length}")


@dataclass(frozen=True)
class Matching:
    """A text that a regular expression matches whole."""

    pattern: str

    def matches(self, text: str) -> bool:
        return self._compiled.fullmatch(text) is not None

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def check(self, value: object) -> None:
        assert isinstance(value, str)
        if not self.matches(value):
            raise ValueError(f"does not match {self.pattern}")


FINITE = Between(-sys.float_info.max, sys.float_info.max)
"""Of a fraction whose field names no other range."""
NATURAL = Between(0, (1 << 63) - 1)
"""Of a whole number whose field names no other range: nothing in the plane counts below zero."""
