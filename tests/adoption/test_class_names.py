"""Class names out of what people keep them in."""

from __future__ import annotations

from pathlib import Path

import pytest

from adoption.class_names import named
from line.errors import BadInput


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("names.txt", "a\nb \n\nc\n"),
        ("names.json", '["a", "b", "c"]'),
        ("names.json", '{"0": "a", "1": "b", "2": "c"}'),
        ("names.json", '{"b": 1, "a": 0, "c": 2}'),
        ("names.json", '{"0": ["n1", "a"], "1": ["n2", "b"], "2": ["n3", "c"]}'),
    ],
)
def test_class_names_of_a_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert named(str(tmp_path / name)) == ("a", "b", "c")


def test_class_names_of_folders_and_of_a_list(tmp_path: Path) -> None:
    for name in ("b", "a", "c", ".hidden"):
        (tmp_path / name).mkdir()
    assert named(str(tmp_path)) == ("a", "b", "c")
    assert named("b, a,c") == ("b", "a", "c")


@pytest.mark.parametrize("text", ["{", '{"1": "a"}', "[1, 2]", "3", '{"0": "a", "0.5": "b"}'])
def test_what_holds_no_class_names(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(BadInput, match="--classes"):
        named(str(tmp_path / "a.json"))
