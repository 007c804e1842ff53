"""Cells of all CSV files: what is written comes back, and is no formula on the way."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from line.plain_text import LONGEST_CELL, cell_of, cells_of, plain, text_of
from line.run_files.shadow_file import ShadowFile, ShadowRow
from reports.shadow import read_comparisons

BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@given(
    st.text() | st.builds(str.__add__, st.sampled_from([*BEGINNINGS, "'", "''", "'="]), st.text())
)
def test_every_plain_text_comes_back_from_its_cell(text: str) -> None:
    text = plain(text, LONGEST_CELL)
    assert text_of(cell_of(text)) == text
    assert not cell_of(text).startswith(BEGINNINGS)


@pytest.mark.parametrize("text", ["glass", "", "it's", "'quoted'", "0-12", "a=b"])
def test_a_text_that_is_no_formula_is_its_own_cell(text: str) -> None:
    assert cell_of(text) == text


def test_only_texts_get_an_apostrophe() -> None:
    assert cells_of(["-1", -1, -1.5, None, True]) == ["'-1", -1, -1.5, None, True]


def test_a_shadow_models_answers_come_back_as_they_were(tmp_path: Path) -> None:
    with ShadowFile(tmp_path) as file:
        for seq, said in enumerate(("=glass", "=glass", "paper")):
            file.append(
                ShadowRow(
                    frame_id=f"0-{seq}",
                    true_class="=glass",
                    served_model="one",
                    served_class="=glass",
                    served_confidence=0.9,
                    served_inference_ms=None,
                    shadow_model="two",
                    shadow_class=said,
                    shadow_confidence=0.8,
                    shadow_inference_ms=2.0,
                )
            )
    assert b",=" not in (tmp_path / "shadow.csv").read_bytes()
    (found,) = read_comparisons(tmp_path)
    assert found["served"] == ["one"]
    assert found["accuracy"] == {"served": 1.0, "shadow": 0.6667}
