from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from line.config import load
from line.errors import PictureError
from line.settings import Settings
from producers.belt import BeltItem
from producers.optics import Optics
from producers.photographer import Photographer, optics
from producers.sources import Source, open_source


def settings(**options: Any) -> Settings:
    """Small pictures; `section__key=value` over the shipped settings."""
    small: dict[str, Any] = {"camera__width_px": 48, "camera__height_px": 32}
    named = [(key.replace("__", "."), value) for key, value in (small | options).items()]
    return load(environment={}, options=named)


def item(seq: int, trigger_s: float | None = None) -> BeltItem:
    return BeltItem(seq, seq / 8, seq / 8 + 0.6 if trigger_s is None else trigger_s)


@pytest.fixture
def drawn() -> Iterator[Source]:
    with closing(open_source(settings())) as source:
        yield source


@pytest.fixture
def folder(tmp_path) -> Path:
    rng = np.random.default_rng(5)
    for number in range(3):
        noise = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
        path = tmp_path / "glass" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(noise).save(path)
    return tmp_path


def stored(folder: Path, number: int) -> np.ndarray:
    with Image.open(folder / "glass" / f"{number}.png") as image:
        return np.asarray(image)


def test_an_item_looks_the_same_whatever_was_taken_before_it(drawn):
    alone = {seq: Photographer(drawn, settings(), 0)(item(seq)) for seq in (0, 1, 2)}

    for order in permutations((0, 1, 2)):
        photograph = Photographer(drawn, settings(), 0)
        for seq in order:
            assert np.array_equal(photograph(item(seq)), alone[seq])


def test_taking_an_item_twice_gives_the_same_picture(drawn):
    photograph = Photographer(drawn, settings(), 0)

    assert np.array_equal(photograph(item(4)), photograph(item(4)))


def test_lanes_and_seeds_see_different_items(drawn):
    with closing(open_source(settings(line__seed=8))) as other_belt:
        taken = [
            Photographer(drawn, settings(), 0)(item(0)),
            Photographer(drawn, settings(), 1)(item(0)),
            Photographer(other_belt, settings(line__seed=8), 0)(item(0)),
        ]

    assert len({picture.tobytes() for picture in taken}) == 3


def test_a_picture_is_as_large_as_the_camera_says(drawn):
    picture = Photographer(drawn, settings(), 0)(item(0))

    assert (picture.shape, picture.dtype) == ((32, 48, 3), np.uint8)


@pytest.mark.parametrize("effects", ["auto", "off"])
def test_a_folder_fed_once_reaches_the_model_as_it_is(folder, effects):
    chosen = settings(source__spec=str(folder), camera__effects=effects)
    with closing(open_source(chosen)) as source:
        photograph = Photographer(source, chosen, 0)
        taken = [photograph(item(seq)) for seq in range(3)]

    assert {p.tobytes() for p in taken} == {stored(folder, n).tobytes() for n in range(3)}


@pytest.mark.parametrize(
    "chosen",
    [
        {"camera__effects": "on"},
        {"camera__effects": "auto", "source__order": "random"},
    ],
    ids=["asked for", "drawn at random"],
)
def test_a_folder_is_seen_through_the_lens_when_it_is_no_test_set(folder, chosen):
    configured = settings(source__spec=str(folder), **chosen)
    with closing(open_source(configured)) as source:
        taken = Photographer(source, configured, 0)(item(0))

    assert taken.tobytes() not in {stored(folder, n).tobytes() for n in range(3)}


def test_effects_off_show_the_procedural_item_as_it_was_drawn(drawn):
    taken = Photographer(drawn, settings(camera__effects="off"), 0)(item(2))

    assert np.array_equal(taken, drawn.picture(0, 2))


@pytest.mark.parametrize("effects", ["auto", "on"])
def test_a_procedural_item_is_seen_through_the_lens(drawn, effects):
    taken = Photographer(drawn, settings(camera__effects=effects), 0)(item(2))

    assert not np.array_equal(taken, drawn.picture(0, 2))


@pytest.mark.parametrize(
    ("effects", "is_exact", "is_perfect"),
    [
        ("auto", True, True),
        ("auto", False, False),
        ("on", True, False),
        ("on", False, False),
        ("off", True, True),
        ("off", False, True),
    ],
)
def test_effects_depend_on_the_setting_and_on_the_source(effects, is_exact, is_perfect):
    chosen = settings(camera__effects=effects)

    assert (optics(chosen, is_exact) == Optics(view_m=chosen.camera.view_m)) is is_perfect


def test_the_settings_of_the_camera_reach_the_lens():
    chosen = settings(
        camera__exposure_ms=3.0,
        camera__view_m=0.5,
        camera__lamp=0.9,
        camera__lamp_drift_per_min=-0.1,
        camera__vignetting=0.3,
        camera__noise=4.0,
    )

    assert optics(chosen, source_is_exact=False) == Optics(
        exposure_ms=3.0,
        view_m=0.5,
        lamp=0.9,
        lamp_drift_per_min=-0.1,
        vignetting=0.3,
        noise=4.0,
    )


def test_a_lamp_that_fades_is_dimmer_for_an_item_triggered_later(drawn):
    fading = settings(camera__lamp_drift_per_min=-0.5, camera__noise=0.0)
    photograph = Photographer(drawn, fading, 0)

    early, late = (photograph(item(0, trigger_s)).mean() for trigger_s in (0.0, 60.0))

    assert late == pytest.approx(early / 2, rel=0.02)


def test_a_faster_belt_smears_the_picture_more(drawn):
    def roughness(speed_m_per_s: float) -> float:
        chosen = settings(
            belt__speed_m_per_s=speed_m_per_s, camera__exposure_ms=20.0, camera__noise=0.0
        )
        taken = Photographer(drawn, chosen, 0)(item(0)).astype(int)
        return float(np.abs(np.diff(taken, axis=1)).mean())

    assert roughness(4.0) < roughness(1.0) < roughness(0.1)


def test_a_file_that_went_bad_is_a_picture_error(folder):
    chosen = settings(source__spec=str(folder))
    with closing(open_source(chosen)) as source:
        for path in (folder / "glass").iterdir():
            path.write_bytes(b"no longer a picture")
        with pytest.raises(PictureError, match="glass"):
            Photographer(source, chosen, 0)(item(0))
