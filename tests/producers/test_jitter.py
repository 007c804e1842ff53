from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.jitter import Jitter

BIN_MS = 0.05


def measured(delays_s: list[float]) -> Jitter:
    jitter = Jitter()
    for delay_s in delays_s:
        jitter.add(delay_s)
    return jitter


@given(
    delays_s=st.lists(st.floats(0, 0.9), min_size=1, max_size=60),
    share=st.sampled_from([0.0, 0.25, 0.5, 0.95, 0.99, 1.0]),
)
def test_a_quantile_is_numpys_or_at_most_one_bin_above(delays_s, share):
    exact_ms = 1000 * np.quantile(delays_s, share, method="inverted_cdf")

    excess_ms = measured(delays_s).quantile_ms(share) - exact_ms

    assert -1e-9 <= excess_ms <= BIN_MS + 1e-9


def test_the_quantiles_of_many_delays_are_numpys_within_a_bin():
    delays_s = np.random.default_rng(3).exponential(0.002, 20_000)
    facts = measured(delays_s.tolist()).facts()

    assert facts["p50"] == pytest.approx(1000 * np.quantile(delays_s, 0.5), abs=BIN_MS)
    assert facts["p99"] == pytest.approx(1000 * np.quantile(delays_s, 0.99), abs=BIN_MS)
    assert facts["max"] == pytest.approx(1000 * delays_s.max(), abs=0.001)
    assert facts["count"] == 20_000


def test_without_a_trigger_every_figure_is_nought():
    assert Jitter().facts() == {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0, "count": 0}


def test_a_trigger_handled_early_counts_as_on_time():
    facts = measured([-0.5]).facts()

    assert facts == {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0, "count": 1}


def test_no_quantile_is_above_the_largest_delay():
    assert measured([0.00001]).quantile_ms(0.99) == pytest.approx(0.01)


def test_delays_over_a_second_count_as_one_second_but_the_largest_is_told_as_it_was():
    facts = measured([7.0, 9.0]).facts()

    assert facts["p50"] == facts["p99"] == pytest.approx(1000, abs=BIN_MS)
    assert facts["max"] == 9000.0
