"""Adopted models in OpenVINO: every way to resize shows the network the picture that it should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from adoption import check
from tests.adoption.adopting import loaded
from tests.adoption.foreign_files import NAMES, network, write_json
from workers.model import Model

pytest.importorskip("openvino")

NEARLY = 0.05
"""Of a probability: a level more or less, and bf16 where the processor counts in it."""


@pytest.mark.parametrize(
    ("resize", "interpolation"),
    [
        *((resize, "bilinear") for resize in ("squash", "crop", "letterbox")),
        *((resize, "bicubic") for resize in ("squash", "crop")),
    ],
)
def test_an_adopted_model_answers_as_in_the_default_engine(
    tmp_path: Path, resize: str, interpolation: str
) -> None:
    half = [0.5, 0.5, 0.5]
    pretrained = {"input_size": [3, 32, 32], "mean": half, "std": half, "crop_pct": 0.8}
    table = {"label_names": list(NAMES), "pretrained_cfg": pretrained}
    pretrained |= {"interpolation": interpolation, "license": "apache-2.0"}
    write_json(tmp_path / "config.json", table)
    default = loaded(network(tmp_path / "a.onnx"), resize=resize)
    assert default.facts.classes == NAMES
    other = Model.load(Path(default.facts.path), "openvino")
    for shown in check.drawn():
        one, two = (model.classify(shown.picture[None]) for model in (default, other))
        assert np.abs(one - two).max() < NEARLY, shown.name
    two_at_once = np.stack([check.drawn()[0].picture] * 2)
    assert np.array_equal(*other.classify(two_at_once))
