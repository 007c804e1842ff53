"""Where recovery was lost: the causes add up, and each kind of trouble shows under its own name."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from line.outcome import Verdict
from reports.attribution import (
    Attribution,
    Cause,
    attribute,
    cause_of,
    total,
)
from reports.cross_table import Amount, Key, cross_table
from reports.figures import class_figures
from reports.results import read_results
from reports.summary import summarise
from tests.reports.test_folder import FACTS, mixed_rows, row, write_run
from tests.running_line import RunningLine

CLASSES = ("glass", "metal", "trash")
PRICES = {"glass": 40.0, "metal": 1000.1}


def table(rows: list[dict[str, object]]) -> pd.DataFrame:
    columns = ["true_class", "predicted_class", "verdict", "mass_g"]
    return pd.DataFrame(rows, columns=columns).astype({"mass_g": float})


def fates_of(items: pd.DataFrame) -> pd.Series:
    """Of each item the cause that it was lost to, or "recovered"; missing without a true class."""

    def fate(row: pd.Series) -> str | None:
        if not isinstance(row["true_class"], str):
            return None
        answer = row["predicted_class"] if isinstance(row["predicted_class"], str) else None
        key = Key(row["true_class"], answer, Verdict(row["verdict"]))
        return cause_of(key, "trash") or "recovered"

    return pd.Series([fate(row) for _, row in items.iterrows()], items.index, dtype=object)


def attributed(rows: list[dict[str, object]]) -> dict[str, Attribution]:
    return attribute(cross_table(table(rows), PRICES), CLASSES, "trash")


def test_each_verdict_is_lost_to_its_own_cause() -> None:
    found = attributed(mixed_rows())
    lost = {
        name: {c: a.items for c, a in one.causes.items() if a.items} for name, one in found.items()
    }
    assert lost == {
        "glass": {Cause.CLASSIFICATION: 2},
        "metal": {Cause.CLASSIFICATION: 1, Cause.LATE: 1, Cause.EXPIRED: 1, Cause.DROPPED: 1},
        "trash": {Cause.CLASSIFICATION: 1, Cause.LOW_CONFIDENCE: 1},
    }
    assert {name: one.recovered.items for name, one in found.items()} == {
        "glass": 2,
        "metal": 1,
        "trash": 1,
    }


def test_what_is_lost_has_a_mass_and_a_value() -> None:
    glass = attributed(mixed_rows())["glass"]
    assert glass.fed.mass_g == 3 * 210 + 90
    assert glass.lost.mass_g == 300
    assert glass.lost.value == pytest.approx(300e-6 * 40)


def test_a_class_without_a_price_is_worth_nothing() -> None:
    assert attributed([row(0, "trash", "failed")])["trash"].lost == Amount(1, 40_000_000, 0)


def test_items_of_unknown_class_take_no_part() -> None:
    found = attributed([row(0, "", "failed") | {"true_class": None}, row(1, "glass", "failed")])
    assert total(found.values()).fed.items == 1


VERDICTS = st.sampled_from(list(Verdict))
NAMES = st.sampled_from([*CLASSES, None])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "true_class": NAMES,
            "predicted_class": NAMES,
            "verdict": VERDICTS,
            "mass_g": st.floats(1e-6, 1e6),
        }
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_the_causes_add_up_to_the_whole_loss_whatever_the_rows_say(
    rows: list[dict[str, object]],
) -> None:
    items = table(rows)
    counted = cross_table(items, PRICES)
    found = attribute(counted, CLASSES, "trash")
    known = items[items["true_class"].notna()]
    recovered = class_figures(counted, CLASSES, "trash")
    for name, one in found.items():
        assert one.fed == one.recovered + sum(one.causes.values(), Amount())
        assert one.fed.items == (known["true_class"] == name).sum()
        if one.fed.items:
            share = one.recovered.items / one.fed.items
            assert share == pytest.approx(recovered[name].recovery)
    everything = total(found.values())
    assert everything.fed.items == len(known)
    for cause in Cause:
        parts = [one.causes[cause] for one in found.values()]
        assert everything.causes[cause] == sum(parts, Amount())


@settings(deadline=None, max_examples=40)
@given(ROWS)
def test_a_slow_worker_moves_items_to_late_expired_and_dropped_and_nothing_else(
    rows: list[dict[str, object]],
) -> None:
    before = fates_of(table(rows))
    tardy = ("late", "expired", "dropped")
    slowed = [{**one, "verdict": tardy[n % 3]} if n % 2 else one for n, one in enumerate(rows)]
    after = fates_of(table(slowed))
    assert set(after[(after != before) & after.notna()]) <= set(tardy)


def test_the_summary_prints_the_very_sums(tmp_path: Path) -> None:
    changes = {
        "classes": {
            "glass": {"share": 1, "mass_g": 210, "value_per_t": 33.3},
            "metal": {"share": 1, "mass_g": 16.1, "value_per_t": 1234.5},
        }
    }
    loss = summarise(write_run(tmp_path, mixed_rows(), changes=changes))["loss"]
    for one in (loss["all"], *loss["classes"].values()):
        for unit in ("items", "mass_g", "value"):
            exact = sum(Decimal(str(part[unit])) for part in one["causes"].values())
            assert exact == Decimal(str(one["not_recovered"][unit]))
            assert exact == Decimal(str(one["fed"][unit])) - Decimal(str(one["recovered"][unit]))
    metal = loss["classes"]["metal"]
    assert metal["not_recovered"]["mass_g"] == 4 * 16
    assert metal["not_recovered"]["t_per_h"] == pytest.approx(64e-6 / 2.75 * 3600, abs=1e-6)
    assert metal["not_recovered"]["value_per_h"] == pytest.approx(64e-6 / 2.75 * 3600 * 1234.5)


def test_a_run_that_was_cut_off_has_the_rates_of_its_rows(tmp_path: Path) -> None:
    whole, cut_off = (
        summarise(write_run(tmp_path / name, mixed_rows(), facts))["loss"]["all"]["not_recovered"]
        for name, facts in (("whole", FACTS), ("cut_off", None))
    )
    assert cut_off["items"] == 8
    assert cut_off == whole


def test_a_run_without_a_second_of_belt_has_no_rates(tmp_path: Path) -> None:
    rows = [row(0, "glass", "failed", scheduled_s=0.0)]
    fed = summarise(write_run(tmp_path, rows))["loss"]["all"]["fed"]
    assert (fed["mass_g"], fed["t_per_h"], fed["value_per_h"]) == (210, None, None)


def test_without_truth_nothing_can_be_attributed(tmp_path: Path) -> None:
    rows = [row(0, "", "sorted", "glass") | {"true_class": ""}]
    assert summarise(write_run(tmp_path, rows, FACTS))["loss"] is None


SLOW = 'events=[{ at_s = 0.5, action = "slow", duration_s = 60, factor = 30 }]'


def test_a_worker_that_is_slowed_in_a_real_run_costs_time_alone(
    tmp_path: Path, slow_model: Path
) -> None:
    options = ("--model", slow_model, "--items", 24, "--interval", 0.1, "--threshold", 0.5)
    with (
        RunningLine(tmp_path / "calm", *options, "--speed", "max") as calm,
        RunningLine(tmp_path / "slow", *options, "--workers", 1, "--set", SLOW) as slow,
    ):
        assert calm.finish()[0] == slow.finish()[0] == 0
    fates = [
        fates_of(read_results(tmp_path / name / "results.csv").items.set_index("frame_id"))
        for name in ("calm", "slow")
    ]
    before, after = fates[0], fates[1].reindex(fates[0].index)
    moved = after[after != before]
    assert len(moved) > 5
    assert set(moved) <= {"late", "expired", "dropped"}
    assert not set(before) & {"late", "expired", "dropped"}
