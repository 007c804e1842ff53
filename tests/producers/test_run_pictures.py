"""Which pictures of a run can be made ahead, and what is said where not all of them fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from line.config import load
from line.errors import BadInput
from line.settings import Settings
from producers.ahead.run_pictures import can_be_ahead, refuse_what_does_not_fit, wanted
from producers.sources import open_source
from producers.sources.video import WebcamSource
from tests.producers.test_sources import save


def settings_of(**options: Any) -> Settings:
    given = {"camera__prepare": "all", **options}
    named = [(key.replace("__", "."), value) for key, value in given.items()]
    return load(environment={}, options=named)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (
            {"line__items": 9000},
            "9000 pictures of 0.23 MB do not fit into camera.prepare_mb = 2000",
        ),
        (
            {"line__duration_s": 3600.0, "camera__prepare_mb": 100},
            "more than 434 pictures of 0.23 MB do not fit into camera.prepare_mb = 100",
        ),
        ({}, '"all" needs a run with an end: set line.items or line.duration_s'),
    ],
)
def test_a_run_whose_pictures_do_not_fit_is_refused(
    options: dict[str, Any], complaint: str
) -> None:
    settings = settings_of(**options)
    with pytest.raises(BadInput) as told:
        refuse_what_does_not_fit(open_source(settings), settings)
    assert str(told.value) == f"camera.prepare: {complaint}"


@pytest.mark.parametrize(
    "options",
    [
        {"line__items": 8680},
        {"line__items": 17_000, "line__cameras": 2},
        {"line__duration_s": 3600.0, "line__items": 100},
        {"line__items": 10**9, "camera__encoding": "jpeg"},
        {"camera__prepare": "ahead"},
    ],
)
def test_a_run_whose_pictures_may_fit_is_not(options: dict[str, Any]) -> None:
    settings = settings_of(**options)
    refuse_what_does_not_fit(open_source(settings), settings)


def test_what_a_webcam_will_see_is_always_live() -> None:
    settings = settings_of(source__spec="webcam:0")
    webcam = WebcamSource(0, opened=False)
    assert not can_be_ahead(webcam, settings)
    with pytest.raises(BadInput, match='webcam:0 will see cannot be made beforehand; use "live"'):
        refuse_what_does_not_fit(webcam, settings)


def test_so_many_are_wanted_of_a_lane(tmp_path: Path) -> None:
    for number in range(7):
        save(tmp_path / f"{number}.png")
    settings = settings_of(source__spec=str(tmp_path), line__cameras=2)
    source = open_source(settings)
    assert [wanted(source, settings, camera) for camera in (0, 1)] == [4, 3]
    assert wanted(source, settings, 0, since=3) == 1
    ahead = settings_of(source__spec=str(tmp_path), camera__prepare="ahead")
    assert wanted(source, ahead, 0) is None
    endless = settings_of(line__items=10**9, camera__encoding="jpeg")
    assert wanted(open_source(endless), endless, 0) is None
