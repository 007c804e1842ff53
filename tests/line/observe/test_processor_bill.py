"""What processes tell of their processor time, added up over their lives."""

from __future__ import annotations

import time

from line.observe.processor_bill import ProcessorBill


def test_a_bill_goes_on_over_incarnations():
    bill = ProcessorBill()
    bill.take("worker-0", 1, {"starting": 0.5, "inference": 1.0})
    bill.take("worker-0", 1, {"starting": 0.5, "inference": 3.0})
    bill.take("worker-0", 2, {"starting": 0.7})  # the first was killed: it keeps what it told
    bill.take("worker-0", 3, {"starting": 5.0, "inference": 4.0})  # more than its predecessor
    bill.take("camera-0", 1, {"belt": 0.25})

    seconds = bill.seconds()

    assert seconds["worker-0"] == {"starting": 6.2, "inference": 7.0}
    assert seconds["camera-0"] == {"belt": 0.25}


def used(seconds: float) -> None:
    """Use so much processor time."""
    ends = time.process_time() + seconds
    while time.process_time() < ends:
        pass


def test_the_supervisor_is_billed_from_where_the_run_begins():
    used(0.3)  # by something that is not the run's
    bill = ProcessorBill()
    used(0.02)
    before = bill.seconds()["supervisor"]
    bill.begin_belt()
    used(0.03)
    own = bill.seconds()["supervisor"]

    assert (before["supervising"], before["starting"] < 0.3) == (0.0, True)
    assert own["starting"] >= before["starting"] >= 0.02
    assert own["supervising"] >= 0.03
    assert bill.facts(7)["items"] == 7
