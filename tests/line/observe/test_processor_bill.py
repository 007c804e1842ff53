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


def test_the_supervisor_is_billed_from_where_the_run_begins():
    while time.process_time() < 0.05:  # something that is not the run's
        pass
    bill = ProcessorBill()
    own = [bill.seconds()["supervisor"]["supervising"]]
    while own[-1] < 0.02:
        own.append(bill.seconds()["supervisor"]["supervising"])

    assert own[0] < 0.02
    assert own == sorted(own)
    assert bill.facts(7)["items"] == 7
