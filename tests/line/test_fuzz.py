"""Whatever bytes a decoder is given, it answers or refuses; nothing else ever comes out of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz import fuzz
from benchmarks.fuzzing import live as fuzz_live
from benchmarks.fuzzing.mutations import Parts, mutate
from benchmarks.fuzzing.targets import Target, targets
from line.errors import BadInput
from tests.running_line import ROOT

CORPUS = ROOT / "tests" / "corpus"
NAMES = ("messages", "notes", "rows", "settings", "results.csv", "review queue")
QUICK = {"messages": 20_000, "notes": 5000, "rows": 5000}
IN_FILES = 40


def corpus(name: str) -> list[tuple[str, Parts]]:
    """(why, input) of each line in a corpus file."""
    entries = [json.loads(line) for line in (CORPUS / f"{name}.jsonl").read_text().splitlines()]
    return [
        (
            entry["why"],
            tuple(map(bytes.fromhex, entry["parts"]))
            if "parts" in entry
            else (entry["text"].encode("latin-1"),),
        )
        for entry in entries
    ]


@pytest.fixture(scope="module")
def decoders() -> Iterator[dict[str, Target]]:
    with targets() as found:
        yield {target.name: target for target in found}


def test_every_decoder_is_fuzzed(decoders: dict[str, Target]) -> None:
    assert tuple(decoders) == NAMES
    assert sum(target.share for target in decoders.values()) == 1_000_000


@pytest.mark.parametrize("name", NAMES)
def test_good_examples_are_taken(decoders: dict[str, Target], name: str) -> None:
    for example in decoders[name].examples:
        decoders[name].feed(example)


@pytest.mark.parametrize("name", NAMES)
def test_mutated_examples_are_taken_or_refused(decoders: dict[str, Target], name: str) -> None:
    result = fuzz(decoders[name], QUICK.get(name, IN_FILES), seed=7)
    assert result.broken == []
    assert result.answers["refused"] > 0


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        pytest.param(name, parts, id=f"{name}: {why}")
        for name in ("messages", "notes", "rows", "settings")
        for why, parts in corpus(name)
    ],
)
def test_the_corpus_is_refused(decoders: dict[str, Target], name: str, parts: Parts) -> None:
    with pytest.raises(decoders[name].refuses) as refusal:
        decoders[name].feed(parts)
    assert len(str(refusal.value)) < 1000


def test_a_cell_longer_than_the_csv_module_reads_is_refused(decoders: dict[str, Target]) -> None:
    ((row,),) = decoders["rows"].examples
    with pytest.raises(ValueError, match="field limit"):
        decoders["rows"].feed((row.replace(b"glass", b"g" * 140_000, 1),))


def test_a_damaged_name_in_a_queue_s_schema_is_refused(decoders: dict[str, Target]) -> None:
    """SQLite quotes it in its complaint, which then is no text."""
    ((data,),) = decoders["review queue"].examples
    with pytest.raises(BadInput, match=r"queue\.sqlite"):
        decoders["review queue"].feed(
            (data.replace(b"labelled_at TEXT", b"labelled\xa9\xf70H\xd2ed"),)
        )


@given(
    name=st.sampled_from(["messages", "notes", "rows"]),
    parts=st.lists(st.binary(max_size=80), min_size=1, max_size=4),
    seed=st.none() | st.integers(0, 2**32),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_arbitrary_bytes_are_taken_or_refused(
    decoders: dict[str, Target], name: str, parts: list[bytes], seed: int | None
) -> None:
    """As they are, or worked into an example."""
    target, fed = decoders[name], tuple(parts)
    if seed is not None:
        fed = mutate(target.examples[seed % len(target.examples)], [fed], Random(seed))
    with suppress(target.refuses):
        target.feed(fed)


def test_the_same_seed_makes_the_same_input(decoders: dict[str, Target]) -> None:
    examples = decoders["messages"].examples
    once, again = ([mutate(e, examples, Random(5)) for e in examples] for _ in range(2))
    assert once == again


def test_a_decoder_that_breaks_is_noticed(decoders: dict[str, Target]) -> None:
    def brittle(parts: Parts) -> object:
        return parts[0].decode()

    notes = decoders["notes"]
    result = fuzz(Target("brittle", 0, brittle, KeyError, notes.examples), 500, seed=1)
    assert result.answers["broke"] == len(result.broken) > 0


def test_a_running_line_counts_malformed_messages_and_loses_nothing(tiny_model: Path) -> None:
    live = fuzz_live.fuzz(3000, 7, f"--model={tiny_model}")
    assert live.is_good, live.sentence()
    assert live.summary["items"]["fed"] > 0
