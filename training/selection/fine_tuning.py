"""The check of the frozen experiment: whole networks trained on what a strategy and random chose.

One budget, few epochs: enough to see whether the saving is the frozen network's alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from training.checkpoint import load_checkpoint
from training.folders import PictureFolder
from training.options import load
from training.selection.labelling import Campaign
from training.selection.options import SimulateSettings
from training.selection.outcome import BASELINE
from training.train.fit import fit
from training.train.options import TrainSettings
from training.whole_file import replace_text


@dataclass(frozen=True)
class FineTuned:
    """Accuracies on val, one per seed, of networks trained on `labels` pictures.

    `frozen_gain` is what the experiment with the frozen network says of the same pictures.
    """

    strategy: str
    labels: int
    chosen: tuple[float, ...]
    random: tuple[float, ...]
    frozen_gain: tuple[float, ...]

    @property
    def seeds(self) -> int:
        """How many networks of each kind."""
        return len(self.chosen)

    @property
    def gain(self) -> tuple[float, ...]:
        """Accuracy gained over random, seed by seed."""
        return tuple(c - r for c, r in zip(self.chosen, self.random, strict=True))


def fine_tune(
    strategy: str,
    campaigns: Mapping[str, Sequence[Campaign]],
    train: PictureFolder,
    settings: SimulateSettings,
    labels: int,
) -> FineTuned:
    """Train two networks for each of the first `--end-to-end` seeds, under OUT/end_to_end.

    `labels` is one of the budgets. Raises BadInput as `train` does.
    """
    seeds = range(settings.end_to_end)
    accuracies = {
        name: tuple(
            _accuracy(
                campaigns[name][seed].chosen[:labels],
                train,
                settings,
                seed,
                settings.out / "end_to_end" / f"{name}-{seed}",
            )
            for seed in seeds
        )
        for name in (strategy, BASELINE)
    }
    return FineTuned(
        strategy,
        labels,
        accuracies[strategy],
        accuracies[BASELINE],
        tuple(
            _frozen(campaigns[strategy][seed], labels) - _frozen(campaigns[BASELINE][seed], labels)
            for seed in seeds
        ),
    )


def _frozen(campaign: Campaign, labels: int) -> float:
    [accuracy] = [point.accuracy for point in campaign.points if point.labels == labels]
    return accuracy


def _accuracy(
    chosen: Sequence[int], train: PictureFolder, settings: SimulateSettings, seed: int, run: Path
) -> float:
    """Accuracy after the last epoch; picking the best one by val would flatter short runs."""
    run.mkdir(parents=True, exist_ok=True)
    kept = set(chosen)
    excluded = [f"train/{p.as_posix()}\n" for i, p in enumerate(train.paths) if i not in kept]
    replace_text(run / "exclude.txt", "".join(excluded))
    options = {
        "data": settings.data,
        "out": run,
        "exclude": run / "exclude.txt",
        "weights": settings.weights,
        "backbone": settings.backbone,
        "size_px": settings.size_px,
        "epochs": settings.end_to_end_epochs,
        "batch": min(16, len(chosen)),
        "seed": seed,
        "workers": 0,
    }
    fit(load(TrainSettings, options), Console(quiet=True))
    return float(load_checkpoint(run / "last.pt").metrics["val"]["accuracy"])
