"""Classes of a model that go into one bin of the belt."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from adoption.class_map import class_map, mapped, sums
from line.errors import BadInput
from tests.adoption.adopting import adopted, loaded
from tests.adoption.foreign_files import NAMES, network, pictures, save_pictures

MAP = "glass=hard,metal=hard, paper = soft ,cardboard=soft"
BINS = ("soft", "hard", "plastic", "trash")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("map.toml", 'glass = "hard"\nmetal = "hard"\npaper = "soft"\ncardboard = "soft"\n'),
        (
            "map.json",
            '{"glass": "hard", "metal": "hard", "paper": "soft", "cardboard": "soft"}',
        ),
    ],
)
def test_a_file_says_what_the_list_says(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert class_map(str(tmp_path / name)) == class_map(MAP)


def test_bins_stand_in_the_order_of_the_models_classes() -> None:
    table = class_map(MAP)
    assert mapped(NAMES, table) == BINS
    assert sums(("a", "b", "c"), {"c": "a"}).tolist() == [[1, 0], [0, 1], [1, 0]]


@pytest.mark.parametrize("head", ["logits", "softmax"])
@pytest.mark.parametrize("batch", ["n", 1, 2])
def test_probabilities_of_a_bin_are_those_of_its_classes_together(
    tmp_path: Path, head: Literal["logits", "softmax"], batch: int | str
) -> None:
    path = network(tmp_path / "net.onnx", head=head, batch=batch)
    whole, few = loaded(path), loaded(path, map=MAP)
    assert few.facts.classes == BINS
    for picture in pictures():
        cardboard, glass, metal, paper, plastic, trash = whole.classify(picture[None])[0]
        wanted = [cardboard + paper, glass + metal, plastic, trash]
        np.testing.assert_allclose(few.classify(picture[None])[0], wanted, atol=1e-5)


def test_labels_are_those_of_the_belt(tmp_path: Path) -> None:
    folder = save_pictures(tmp_path / "data", BINS, 3)
    made = adopted(network(tmp_path / "net.onnx"), map=MAP, check=folder)
    assert made.accuracies is not None
    assert made.accuracies.pictures == 12
    assert [row.value for row in made.rows if row.source == "--map"] == [", ".join(BINS)]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("wood=soft", "--map: the model has no class 'wood'; it has cardboard, glass, metal"),
        ("glass", "--map glass: no such file, and no list a=b,c=d"),
        ("glass=", "--map glass=: glass: needs the name of a class of the belt"),
    ],
)
def test_a_map_that_fits_no_model_is_one_line(tmp_path: Path, given: str, complaint: str) -> None:
    with pytest.raises(BadInput) as caught:
        adopted(network(tmp_path / "net.onnx"), map=given)
    assert str(caught.value).startswith(complaint)


@pytest.mark.parametrize(
    ("name", "text"),
    [("map.toml", "glass = 3\n"), ("map.toml", "[glass"), ("map.json", "[1]"), ("map.toml", "")],
)
def test_a_file_without_a_table_of_names_is_named(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=f"--map .*{name}"):
        class_map(str(tmp_path / name))
