"""An item before a plain background is found, and laid on others; a camera changes what it sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tests.training.small_runs import small_run
from training.augmentation.backgrounds import drawn_backgrounds
from training.augmentation.item_mask import item_mask
from training.augmentation.surroundings import NewBackground, OtherCamera
from training.dataset import read_square
from training.transforms import train_transform

SIDE = 96


def photograph(colour: tuple[int, int, int], *, shadow: bool = False) -> NDArray[np.uint8]:
    """A box of 40 × 30 px before a wall that is lit from the left."""
    lit = np.linspace(210, 170, SIDE)[None, :, None] * np.ones((SIDE, 1, 3))
    picture = Image.fromarray(lit.astype(np.uint8))
    if shadow:
        ImageDraw.Draw(picture).rectangle((60, 40, 68, 72), fill=(172, 172, 172))
    ImageDraw.Draw(picture).rectangle((20, 35, 59, 64), fill=colour)
    return np.array(picture)


@pytest.mark.parametrize("colour", [(30, 90, 40), (250, 250, 250), (190, 120, 60)])
def test_item_is_found_on_a_wall_lit_from_one_side(colour: tuple[int, int, int]) -> None:
    mask = item_mask(photograph(colour))
    assert mask is not None
    assert mask.shape == (SIDE, SIDE)
    assert mask[40:60, 25:55].min() > 240
    assert mask[:25].max() == mask[80:].max() == mask[:, :10].max() == mask[:, 72:].max() == 0


def test_shadow_counts_less_than_the_item() -> None:
    mask = item_mask(photograph((30, 90, 40), shadow=True))
    assert mask is not None
    assert mask[45:60, 62:66].max() < 10


def test_no_mask_without_a_plain_background() -> None:
    rng = np.random.default_rng(1)
    assert item_mask(rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)) is None


def test_no_mask_of_an_empty_wall() -> None:
    assert item_mask(photograph((190, 190, 190))[:, :15].repeat(6, axis=1)) is None


def test_masks_come_with_pictures_that_are_read(tmp_path: Path) -> None:
    Image.fromarray(photograph((30, 90, 40))).save(tmp_path / "box.png")
    Image.fromarray(np.zeros((SIDE, SIDE, 3), np.uint8)).save(tmp_path / "dark.png")
    box = read_square(tmp_path / "box.png", 64, with_mask=True)
    dark = read_square(tmp_path / "dark.png", 64, with_mask=True)
    assert box.shape == dark.shape == (4, 64, 64)
    assert 0.05 < (box[3] > 127).float().mean() < 0.25
    assert (dark[3] == 255).all()
    assert torch.equal(box[:3], read_square(tmp_path / "box.png", 64))


def test_backgrounds_are_a_function_of_the_seed_and_differ() -> None:
    drawn = drawn_backgrounds(12, 32, seed=3)
    assert drawn.shape == (12, 3, 32, 32)
    assert torch.equal(drawn, drawn_backgrounds(12, 32, seed=3))
    assert not torch.equal(drawn, drawn_backgrounds(12, 32, seed=4))
    assert len({each.numpy().tobytes() for each in drawn}) == 12


def test_item_lies_on_the_new_background() -> None:
    picture = photograph((30, 90, 40))
    mask = item_mask(picture)
    assert mask is not None
    shown = torch.from_numpy(np.dstack([picture, mask])).permute(2, 0, 1)
    pink = torch.tensor([250, 10, 200], dtype=torch.uint8)[None, :, None, None]
    torch.manual_seed(0)
    laid = NewBackground(1.0, pink.expand(1, 3, SIDE, SIDE))(shown).permute(1, 2, 0).int()
    is_pink = (laid - torch.tensor([250, 10, 200])).abs().amax(-1) <= 2
    is_item = (laid - torch.tensor([30, 90, 40])).abs().amax(-1) <= 20
    assert is_pink.float().mean() > 0.5
    assert is_item.float().mean() > 0.02
    assert not ((laid.amin(-1) > 150) & ~is_pink).any(), "nothing of the wall is left"


def test_background_stays_without_a_mask_and_without_luck() -> None:
    picture = torch.from_numpy(photograph((30, 90, 40))).permute(2, 0, 1)
    everywhere = torch.cat([picture, torch.full((1, SIDE, SIDE), 255, dtype=torch.uint8)])
    masked = torch.cat([picture, torch.zeros(1, SIDE, SIDE, dtype=torch.uint8)])
    drawn = drawn_backgrounds(2, SIDE, seed=1)
    assert torch.equal(NewBackground(1.0, drawn)(everywhere), picture)
    assert torch.equal(NewBackground(0.0, drawn)(masked), picture)
    assert not torch.equal(NewBackground(1.0, drawn)(masked), picture)


def test_another_camera_each_time() -> None:
    picture = torch.from_numpy(photograph((30, 90, 40))).permute(2, 0, 1)
    torch.manual_seed(0)
    seen = [OtherCamera()(picture) for _ in range(40)]
    assert all(each.shape == picture.shape and each.dtype == torch.uint8 for each in seen)
    light = [float(each.float().mean()) for each in seen]
    assert max(light) - min(light) > 40
    assert len({each.numpy().tobytes() for each in seen}) == 40


def test_training_makes_the_networks_picture_of_them(tmp_path: Path) -> None:
    settings = small_run(tmp_path, tmp_path / "run", new_background=1.0, other_camera=1.0)
    side = settings.stored_px
    shown = torch.cat([torch.rand(3, side, side) * 255, torch.zeros(1, side, side)]).to(torch.uint8)
    made = train_transform(settings)(shown)
    assert made.shape == (3, settings.size_px, settings.size_px)
    assert made.dtype == torch.float32
