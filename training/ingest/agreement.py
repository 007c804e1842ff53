"""What several people said of one picture: which label counts, or that it is a conflict.

An annotation that is marked as ground truth decides. Without one, each person's last label is a
vote, and more than half of the votes decide. Else the picture goes back to review.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from training.ingest.label_event import LabelEvent, moment


@dataclass(frozen=True)
class Said:
    """One annotation, and whether it is marked as the truth."""

    event: LabelEvent
    ground_truth: bool = False


@dataclass(frozen=True)
class Verdict:
    """Of one picture: the events to take in, none in a conflict, and each person's last label.

    `outvoted` people said something else than what counts.
    """

    events: tuple[LabelEvent, ...]
    votes: dict[str, str]
    outvoted: tuple[str, ...] = ()

    @property
    def is_conflict(self) -> bool:
        """Whether no label counts."""
        return not self.events


def judge(annotations: Sequence[Said]) -> Verdict:
    """Decide on the annotations of one picture, at least one, in the order of their source."""
    ordered = sorted(annotations, key=lambda said: moment(said.event.when))
    votes = {said.event.who: said.event.label for said in ordered}
    certain = [said for said in ordered if said.ground_truth]
    deciding = {said.event.who: said.event.label for said in certain} or votes
    label, count = Counter(deciding.values()).most_common(1)[0]
    if 2 * count <= len(deciding):
        return Verdict((), votes)
    agreeing = [said.event for said in ordered if votes[said.event.who] == label]
    taken = agreeing or [said.event for said in certain if said.event.label == label]
    return Verdict(tuple(taken), votes, tuple(w for w, vote in votes.items() if vote != label))


def agreement(verdicts: Iterable[Verdict]) -> str:
    """In words, of pictures that several people labelled; "" if there is none."""
    several = [verdict for verdict in verdicts if len(verdict.votes) > 1]
    if not several:
        return ""
    alike = sum(len(set(verdict.votes.values())) == 1 for verdict in several)
    outvoted = sum(bool(verdict.outvoted) for verdict in several)
    conflicts = sum(verdict.is_conflict for verdict in several)
    return (
        f"{len(several)} pictures were labelled by several people: {alike} alike "
        f"({alike / len(several):.0%}), {outvoted} by majority, {conflicts} in conflict"
    )
