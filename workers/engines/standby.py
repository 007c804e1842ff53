"""The default engine, for a worker whose own engine fails.

An engine fails when it fails on a picture that the default engine answers. What both fail on is the
picture's or the model's fault, and costs one item.
"""

from __future__ import annotations

from collections.abc import Callable

from line.errors import ModelError
from line.pictures import Picture
from workers.model import Model


class Standby:
    """Loaded when it is first wanted."""

    def __init__(self, load: Callable[[], Model], tell: Callable[[str], None]) -> None:
        """`load`: the file in the default engine; `tell` hears why the other one failed.

        What `tell` raises ends the worker.
        """
        self._load = load
        self._tell = tell
        self._model: Model | None = None

    def instead(self, failed: Model, batch: Picture, error: ModelError) -> Model | None:
        """What to go on with after `failed` has failed on one picture; None: with the same.

        Raises:
            BadInput: if the file cannot be loaded again.
        """
        if self._model is None:
            self._model = self._load()
        try:
            self._model.classify(batch)
        except ModelError:
            return None
        self._tell(f"{failed.facts.engine} {error}, on a picture that the default engine answers")
        return self._model
