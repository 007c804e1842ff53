from __future__ import annotations

import pytest

from producers.randomness import Purpose, stream


def first_words(seed: int, camera: int, seq: int, purpose: Purpose) -> list[int]:
    return [int(word) for word in stream(seed, camera, seq, purpose).bit_generator.random_raw(4)]


def test_a_stream_is_a_function_of_its_four_numbers():
    assert first_words(7, 2, 31, Purpose.ITEM) == first_words(7, 2, 31, Purpose.ITEM)


@pytest.mark.parametrize(
    "other",
    [
        (8, 2, 31, Purpose.ITEM),
        (7, 3, 31, Purpose.ITEM),
        (7, 2, 32, Purpose.ITEM),
        (7, 2, 31, Purpose.PICTURE),
        (2, 7, 31, Purpose.ITEM),
    ],
)
def test_any_other_number_gives_another_stream(other):
    assert first_words(*other) != first_words(7, 2, 31, Purpose.ITEM)


def test_drawing_from_one_stream_leaves_the_next_alone():
    before = first_words(1, 0, 5, Purpose.OPTICS)
    stream(1, 0, 4, Purpose.OPTICS).random(1000)
    assert first_words(1, 0, 5, Purpose.OPTICS) == before


def test_belts_of_old_runs_stay_as_they_were():
    """Numbers written down once: a change here changes every recorded run."""
    assert first_words(20_240_229, 1, 42, Purpose.ARRIVAL)[:2] == [
        16882396554012592756,
        1716440994066607063,
    ]
    assert [purpose.name for purpose in sorted(Purpose)] == [
        "ARRIVAL",
        "ITEM",
        "PICTURE",
        "OPTICS",
        "ORDER",
        "DAMAGE",
        "TWIN",
        "FAILURE",
        "CELL",
        "SLOWNESS",
        "TWIN_ERROR",
    ]


def test_negative_numbers_are_refused():
    with pytest.raises(ValueError, match="non-negative"):
        stream(-1, 0, 0, Purpose.ITEM)
