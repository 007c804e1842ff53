"""The small pure parts of training: rate, average, balance, figures, transforms."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

import numpy as np
import torch
from small_runs import small_run
from torch import nn

from training.dataset import Pictures
from training.folders import read_folder
from training.metrics import Confusion
from training.train.epoch import MovingAverage
from training.train.schedule import Schedule, set_rate
from training.train.splits import class_weights, epoch_order
from training.transforms import QuarterTurn, batch_mix, eval_transform, train_transform


def schedule(kind: Literal["cosine", "plateau"], warmup: int, total: int = 20) -> Schedule:
    return Schedule(kind, total, warmup, plateau_factor=0.5, plateau_epochs=2)


def test_rate_climbs_then_falls_to_nothing() -> None:
    rate = schedule("cosine", warmup=4).after([])
    rates = [rate(step) for step in range(21)]
    assert rates[:5] == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[20] == pytest.approx(0)
    assert schedule("cosine", warmup=0, total=4).after([9.0])(0) == 1.0


@pytest.mark.parametrize(
    ("losses", "height"),
    [
        ([], 1),
        ([3, 2, 1], 1),
        ([1, 2], 1),
        ([1, 1, 1], 0.5),
        ([1, 2, 2, 0.9, 2], 0.5),
        ([1, 2, 2, 2, 2], 0.25),
        ([2, 3, 1, 3, 3, 0.5], 0.5),
        ([math.nan, math.nan], 0.5),
    ],
)
def test_rate_falls_when_the_loss_stands_still(losses: list[float], height: float) -> None:
    rate = schedule("plateau", warmup=1).after(losses)
    assert [rate(0), rate(1), rate(1000)] == [height / 2, height, height]


def test_rate_is_each_groups_own_peaks_share() -> None:
    weights = [nn.Parameter(torch.zeros(1)) for _ in range(2)]
    groups = [{"params": [w], "peak": peak} for w, peak in zip(weights, (1.0, 0.1), strict=True)]
    optimizer = torch.optim.Adam(groups)
    set_rate(optimizer, 0.5)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.05]


def test_average_follows_the_network() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    average = MovingAverage(model, decay=0.5)
    nn.init.ones_(model.weight)
    average.update(model)
    assert average.model.state_dict()["weight"].item() == pytest.approx(0.9)
    for _ in range(60):
        average.update(model)
    assert average.model.state_dict()["weight"].item() == pytest.approx(1.0)


def test_class_weights_give_every_class_the_same_say() -> None:
    weights = class_weights([0, 0, 0, 1], classes=3)
    assert weights.tolist() == pytest.approx([2 / 3, 2.0, 0.0])


def test_extras_are_drawn_in_part(data: Path) -> None:
    own, extra = read_folder(data / "train"), read_folder(data / "val")
    pictures = Pictures([own, extra], 8, eval_transform(), memory_gb=0)
    settings = small_run(data, data, extra_share=1 / 3)
    order = epoch_order(pictures, settings, torch.Generator().manual_seed(1))
    assert len(order) == 24 + 3
    assert sorted(i for i in order if i < 24) == list(range(24))
    assert order != epoch_order(pictures, settings, torch.Generator().manual_seed(2))


def test_balanced_sampler_draws_rare_classes_as_often(data: Path) -> None:
    pictures = Pictures([read_folder(data / "train")], 8, eval_transform(), memory_gb=0)
    pictures.labels = [0] * 22 + [1] * 2
    settings = small_run(data, data, balance="sampler")
    generator = torch.Generator().manual_seed(0)
    drawn = [
        pictures.labels[i] for _ in range(50) for i in epoch_order(pictures, settings, generator)
    ]
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.06)


def test_confusion_figures_by_hand() -> None:
    true = np.array([0, 0, 0, 1, 1, 2])
    predicted = np.array([0, 0, 1, 1, 0, 2])
    confusion = Confusion.of(("a", "b", "c"), true, predicted)
    assert confusion.counts.tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert confusion.accuracy == pytest.approx(4 / 6)
    assert confusion.macro_f1 == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    summary = confusion.summary()
    assert summary["per_class"]["a"]["recall"] == pytest.approx(2 / 3)
    assert summary["weighted"]["recall"] == pytest.approx(4 / 6)
    assert {"true": "a", "predicted": "b", "count": 1} in summary["most_confused"]


def test_pictures_kept_in_memory_or_not_are_the_same(data: Path) -> None:
    folder = read_folder(data / "val")
    kept = Pictures([folder], 16, eval_transform(), memory_gb=1)
    read = Pictures([folder], 16, eval_transform(), memory_gb=0)
    assert torch.equal(kept[4][0], read[4][0])
    assert kept[4][1] == read[4][1] == 1


def test_train_transform_gives_the_networks_size(data: Path) -> None:
    everything = {"quarter_turns": True, "hue": 0.1, "erase": 1.0}
    transform = train_transform(small_run(data, data, **everything))
    out = transform(torch.randint(0, 256, (3, 36, 36), dtype=torch.uint8))
    assert out.shape == (3, 32, 32)
    assert out.dtype == torch.float32


def test_mixed_labels_share_out_one_picture(data: Path) -> None:
    pictures, labels = torch.randn(4, 3, 8, 8), torch.tensor([0, 1, 2, 1])
    same = batch_mix(small_run(data, data, mix=0.0), 3)(pictures, labels)
    assert same[0] is pictures
    assert same[1] is labels
    _, mixed = batch_mix(small_run(data, data, mix=1.0), 3)(pictures, labels)
    torch.testing.assert_close(mixed.sum(1), torch.ones(4))


def test_quarter_turns_are_exact() -> None:
    picture = torch.arange(12, dtype=torch.uint8).reshape(3, 2, 2)
    turns = {tuple(QuarterTurn()(picture).flatten().tolist()) for _ in range(60)}
    assert turns == {tuple(torch.rot90(picture, n, (1, 2)).flatten().tolist()) for n in range(4)}


@pytest.mark.parametrize("option", ["rotation_deg", "translate", "zoom"])
def test_movements_are_off_until_asked_for(option: str, data: Path) -> None:
    still = {"crop_min_area": 1.0, "flips": False, "trivial_augment": False, "erase": 0.0}
    ramp = torch.arange(32, dtype=torch.uint8).mul(8).expand(3, 32, 32).contiguous()
    unmoved = train_transform(small_run(data, data, **still))
    torch.testing.assert_close(unmoved(ramp), eval_transform()(ramp))
    moved = train_transform(small_run(data, data, **still, **{option: 0.5}))
    if option == "rotation_deg":
        moved = train_transform(small_run(data, data, **still, rotation_deg=90))
    torch.manual_seed(0)
    seen = [moved(ramp) for _ in range(4)]
    assert all(picture.shape == (3, 32, 32) for picture in seen)
    assert not torch.equal(seen[0], seen[1])


def test_what_comes_in_from_outside_is_an_average_pixel(data: Path) -> None:
    still = {"crop_min_area": 1.0, "flips": False, "trivial_augment": False, "erase": 0.0}
    moved = train_transform(small_run(data, data, **still, translate=0.9))
    torch.manual_seed(1)
    picture = moved(torch.full((3, 32, 32), 255, dtype=torch.uint8))
    outside = picture[0] < 1
    assert 0 < outside.sum() < 32 * 32
    assert picture[:, outside].abs().max() < 0.01
