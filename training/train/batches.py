"""Batches of pictures: an epoch's to learn from, a set's to be judged by."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from rich.console import Console
from torch import Generator, Tensor
from torch.utils.data import DataLoader

from training.dataset import Pictures
from training.train.options import TrainSettings
from training.train.splits import Splits, epoch_order, pictures_per_epoch

# A loading process that could not hand over a batch may say nothing at all.
SILENT_S = 600

Batch = tuple[Tensor, Tensor]
Loader = DataLoader[Batch]


class TrainBatches:
    """Batches to learn from, made ahead by `settings.workers` processes while that works.

    They hand pictures over in shared memory, of which a container may have next to none.
    """

    def __init__(self, splits: Splits, settings: TrainSettings, console: Console) -> None:
        self._splits = splits
        self._settings = settings
        self._console = console
        self._workers = settings.workers

    def __len__(self) -> int:
        """Batches of an epoch."""
        return pictures_per_epoch(self._splits.train, self._settings) // self._settings.batch

    def epoch(self, seed: int) -> Iterator[Batch]:
        """One epoch of shuffled, augmented batches, the same for the same seed.

        Raises BadInput for a picture that can no longer be read.
        """
        generator = torch.Generator().manual_seed(seed)
        order = epoch_order(self._splits.train, self._settings, generator)
        done = 0
        if self._workers:
            try:
                for batch in self._loader(order, generator, self._workers):
                    yield batch
                    done += 1
                return
            except Exception as error:  # a loading process fails in many ways, and in torch's words
                self._go_on_without(error)
        yield from self._loader(order[done * self._settings.batch :], generator, 0)

    def _loader(self, order: list[int], generator: Generator, workers: int) -> Loader:
        # An incomplete batch is left out: batch norm cannot learn from a single picture.
        return DataLoader(
            self._splits.train,  # type: ignore[arg-type]
            self._settings.batch,
            sampler=order,
            drop_last=True,
            num_workers=workers,
            generator=generator,
            pin_memory=torch.cuda.is_available(),
            timeout=SILENT_S if workers else 0,
        )

    def _go_on_without(self, error: Exception) -> None:
        self._workers = 0
        self._console.print(
            f"--workers {self._settings.workers}: {_reason(error)}; goes on without them",
            markup=False,
        )


def val_batches(pictures: Pictures, settings: TrainSettings) -> Iterator[Batch]:
    """The pictures in order; without workers, since there is nothing to augment."""
    loader: Loader = DataLoader(pictures, settings.batch)  # type: ignore[arg-type]
    return iter(loader)


def _reason(error: Exception) -> str:
    text = str(error)
    if any(sign in text for sign in ("shared memory", "shm", "torch_", "Bus error")):
        return "the shared memory, /dev/shm, has no room for what the loading processes hand over"
    lines = [line for line in text.splitlines() if line.strip()]
    return f"the loading processes failed ({lines[-1].strip() if lines else type(error).__name__})"
