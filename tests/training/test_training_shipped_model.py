"""The model in models/: it keeps the contract and, on real photographs, its promise."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

from training.export.runners import judge, onnx_runner
from training.folders import read_folder

MODEL = Path(__file__).parents[2] / "models" / "scrapline.onnx"
WANTED_ACCURACY = 0.95  # it has learnt these pictures: this guards the file, not its worth


def test_class_index_names_every_output() -> None:
    index = json.loads(MODEL.with_suffix(".class_index.json").read_text())
    answer = onnx_runner(MODEL)(np.zeros((1, 240, 320, 3), dtype=np.uint8))
    assert answer.shape == (1, len(index))
    assert list(index.values()) == sorted(index.values())


def test_accuracy_on_photographs() -> None:
    folder = os.environ.get("TRASHNET_DIR")
    if not folder:
        pytest.skip("TRASHNET_DIR names no folder with TrashNet's val/")
    confusion = judge(onnx_runner(MODEL), read_folder(Path(folder) / "val"))
    assert confusion.accuracy >= WANTED_ACCURACY
