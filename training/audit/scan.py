"""Every picture of a listing read once: the readable with their fingerprints, and the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from training.audit.fingerprint import Fingerprint, fingerprint
from training.audit.listing import Entry, Listing
from training.errors import BadInput


@dataclass(frozen=True)
class Scan:
    """Readable pictures in the order of the listing; of the others, why they are not."""

    listing: Listing
    readable: dict[Entry, Fingerprint]
    unreadable: dict[Entry, str]

    @property
    def damaged(self) -> dict[Entry, str]:
        """Pictures that the decoder read but complained about."""
        return {e: print_.complaint for e, print_ in self.readable.items() if print_.complaint}


def scan(listing: Listing, entries: Iterable[Entry]) -> Scan:
    """Read `entries`, which are the listing's, perhaps wrapped to show progress."""
    readable: dict[Entry, Fingerprint] = {}
    unreadable: dict[Entry, str] = {}
    for entry in entries:
        path = listing.root / entry.path
        try:
            readable[entry] = fingerprint(path)
        except BadInput as error:
            # The decoder's own words, less the path that it repeats.
            unreadable[entry] = str(error.__cause__ or error).replace(f" {str(path)!r}", "")
    return Scan(listing, readable, unreadable)
