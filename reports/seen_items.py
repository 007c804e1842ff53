"""Which items have had a row: a bit of memory for each, however many rows there are."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt

_PAGE_BITS = 16
_MOST_PAGES = 4096
"""Each is 65536 items of one camera in as many bytes: 268 million items in all."""

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class SeenItems:
    """Knows the numbers of each group: the sequence numbers of each camera, say."""

    def __init__(self) -> None:
        self._pages: defaultdict[tuple[object, int], Flags] = defaultdict(
            lambda: np.zeros(1 << _PAGE_BITS, np.bool_)
        )

    def add(self, group: object, numbers: Numbers) -> Flags:
        """Of each number (0 or more) whether it is the first of its kind; all are known then.

        Raises:
            ValueError: if the numbers lie too far apart to be kept.
        """
        first = np.zeros(len(numbers), np.bool_)
        pages = numbers >> _PAGE_BITS
        for page in np.unique(pages).tolist():
            here = np.flatnonzero(pages == page)
            first[here] = self._add_to(group, page, numbers[here] & ((1 << _PAGE_BITS) - 1))
        return first

    def _add_to(self, group: object, page: int, places: Numbers) -> Flags:
        if len(self._pages) >= _MOST_PAGES and (group, page) not in self._pages:
            raise ValueError("its sequence numbers lie too far apart for one run")
        known = self._pages[group, page]
        is_first = ~known[places]
        known[places] = True
        if len(np.unique(places)) != len(places):  # some stand twice among these
            earliest = np.zeros(len(places), np.bool_)
            earliest[np.unique(places, return_index=True)[1]] = True
            is_first &= earliest
        return is_first
