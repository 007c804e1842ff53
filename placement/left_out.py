"""Nodes on which no worker is started, because it cannot serve there; each reason is told once."""

from __future__ import annotations


class LeftOut:
    """By Ray's names of the nodes."""

    def __init__(self) -> None:
        self._for_good: dict[str, bool] = {}
        """node → whether it is left out for good"""
        self._told: set[tuple[str, str]] = set()

    @property
    def nodes(self) -> list[str]:
        return sorted(self._for_good)

    def __contains__(self, node: str) -> bool:
        return node in self._for_good

    def add(self, node: str, reason: str, *, for_good: bool) -> bool:
        """`for_good`: whatever the model and its engine. Returns whether this is news."""
        self._for_good[node] = for_good or self._for_good.get(node, False)
        is_news = (node, reason) not in self._told
        self._told.add((node, reason))
        return is_news

    def another_model(self) -> bool:
        """Nodes on which only the last one did not serve are tried again; whether there are any."""
        before = len(self._for_good)
        self._for_good = {node: True for node, for_good in self._for_good.items() if for_good}
        return len(self._for_good) < before
