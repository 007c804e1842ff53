"""Forecasts beside what the line did: which hold, and what they add up to."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from benchmarks.forecast import chart
from benchmarks.forecast.belts import Belt, Forecast, drawn_belts, findings
from planner.plan.capacity import Capacity, Limit
from planner.plan.estimate import Estimate
from planner.plan.run import Result


def forecast(
    chance: float, low: float, high: float, found: float, load: float = 0.5, machine: float = 1.0
) -> Forecast:
    """Latency and answers a second are a hundred times the share in time."""
    belt = Belt("regular", load, 1.0, 0.8, 50.0, 2)
    share = Estimate((low + high) / 2, low, high)
    span = Estimate(50 * (low + high), 100 * low, 100 * high)
    told = Result(
        belt.cell(600.0, 0.5),
        {"in_time": share, "latency_p95_ms": span, "throughput_per_s": span},
        chance=chance,
        draws=99,
        items=9900,
        capacity=Capacity(20.0, 2.0, Limit.WORKERS),
    )
    figures = {"in_time": found, "latency_p95_ms": 100 * found, "throughput_per_s": 100 * found}
    return Forecast(belt, told, figures, machine)


def test_a_seed_draws_the_same_belts_again():
    first, again, other = (list(drawn_belts(seed, 40)) for seed in (1, 1, 2))
    assert first == again != other
    assert all(0.2 <= belt.load <= 2 and belt.workers in (1, 2, 3) for belt in first)
    assert {belt.process for belt in first} == {"regular", "poisson", "bursts"}
    assert list(drawn_belts(1, 7)) == first[:7]


def test_what_lies_outside_its_range_stands_out():
    inside, outside = forecast(1.0, 0.9, 1.0, 0.95), forecast(1.0, 0.9, 1.0, 0.85)
    assert "| 90.0 to 100.0: 95.0 |" in inside.markdown
    assert "| 90.0 to 100.0: **85.0** |" in outside.markdown


def test_findings_count_what_held_and_what_the_answers_were_worth():
    found = [
        forecast(1.0, 0.99, 1.0, 1.0),
        forecast(1.0, 0.99, 1.0, 0.98, machine=1.25),  # foretold as met, and was not
        forecast(0.0, 0.6, 0.7, 0.66, load=1.5),
        forecast(0.5, 0.8, 1.0, 0.95, load=1.0),
    ]
    assert findings(found, inference_s=0.1) == [
        "- in time within its range: 3 of 4; where the machine was as in the profile, within 10%: "
        "3 of 3",
        "- p95 within its range: 3 of 4; where the machine was as in the profile, within 10%: "
        "3 of 3",
        "- answers a second within its range: 3 of 4; where the machine was as in the profile, "
        "within 10%: 3 of 3",
        "- in time, where the line was below 99 %: range of 10.0 points (median)",
        "- answers a second beside the capacity, where more came, in regular distance: "
        "+230 to +230 %",
        "- interval score of in time, less is better: 0.13; of the rule that workers ÷ inference "
        "is what can be done: 0.38",
        "- cannot tell, away from the capacity: 0 of 3",
        "- foretold that the target is met: 2, so it was in 1",
        "- foretold that the target is missed: 1, so it was in 1",
    ]


def test_the_picture_shows_every_range_and_crosses_out_what_lies_outside(tmp_path: Path):
    marks = [chart.Mark(90.0, 100.0, 95.0), chart.Mark(90.0, 100.0, 80.0)]
    chart.write(tmp_path / "chart.svg", [("in time, %", marks)])
    svg = ElementTree.fromstring((tmp_path / "chart.svg").read_text())
    kinds = [element.tag.rpartition("}")[2] for element in svg]
    assert (kinds.count("circle"), kinds.count("path")) == (1, 1)
