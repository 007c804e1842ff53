"""Text from outside: one line of printable characters, whatever it was."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from line.plain_text import plain

SPACES = (
    "\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("copper cable, 3 mm", "copper cable, 3 mm"),
        ("größe ✓ 日本", "größe ✓ 日本"),
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("bell\a nul\0", r"bell\x07 nul\x00"),
        ("c1 \x9b31m", r"c1 \x9b31m"),
        ("one\ntwo\r\n  three \n\n four", "one two three four"),
        ("\nfirst", "first"),
        ("last\n", "last"),
        ("para\u2029graph\x85next", "para graph next"),
        ("tab\there", "tab here"),
        ("3\u202fmm\xa0wide", "3\u202fmm\xa0wide"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("file\udcff.png", r"file\udcff.png"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("brackets [red] and :smile:", "brackets [red] and :smile:"),
        ("", ""),
    ],
)
def test_plain(text: str, wanted: str) -> None:
    assert plain(text) == wanted


def test_a_long_text_is_cut_with_a_mark() -> None:
    assert plain("x" * 300) == "x" * 300
    assert plain("x" * 301) == "x" * 299 + "…"
    assert plain("x" * 10**7, 10) == "x" * 9 + "…"


def test_no_escape_is_cut_in_half() -> None:
    assert plain("abc\x1b\x1b", 8) == "abc\\x1b…"
    assert plain("\x1bx", 3) == "…"


@given(
    st.text(st.characters(max_codepoint=sys.maxunicode, exclude_categories=())), st.integers(1, 40)
)
def test_whatever_comes_is_printable_short_and_stays_as_it_is_the_second_time(
    text: str, longest: int
) -> None:
    found = plain(text, longest)
    assert found.translate(dict.fromkeys(map(ord, SPACES))).isprintable()
    assert len(found) <= longest
    found.encode()
    assert plain(found, longest) == found
