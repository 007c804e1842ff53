"""A run's log for TensorBoard: OUT/tensorboard."""

from __future__ import annotations

from torch.utils.tensorboard import SummaryWriter

from training.confusion_chart import confusion_pixels
from training.metrics import Confusion
from training.train.options import TrainSettings


class TensorBoardLog:
    """A curve for each column of the history, and each epoch's confusion as a picture.

    What an interrupted run logged after its `done` epochs is hidden.
    """

    def __init__(self, settings: TrainSettings, done: int) -> None:
        folder = settings.out / "tensorboard"
        self._writer = SummaryWriter(str(folder), purge_step=done + 1)

    def write(self, row: dict[str, float], confusion: Confusion) -> None:
        """Take in an epoch, and bring it to the disk."""
        epoch = int(row["epoch"])
        for name, value in row.items():
            if name != "epoch":
                self._writer.add_scalar(_tag(name), value, epoch)
        pixels = confusion_pixels(confusion, f"epoch {epoch}, on val")
        self._writer.add_image("confusion", pixels, epoch, dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:
        """Close the event file."""
        self._writer.close()


def _tag(column: str) -> str:
    """`val_accuracy` → `accuracy/val`: curves of one figure share a chart."""
    for figure in ("loss", "accuracy", "macro_f1"):
        if column.endswith(f"_{figure}"):
            return f"{figure}/{column.removesuffix(f'_{figure}')}"
    return column
