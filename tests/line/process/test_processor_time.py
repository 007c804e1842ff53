"""The processor time of a process, by what it was used for."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from line.config import ROOT
from line.process.processor_time import ProcessorTime

_TRIES = """
import json, subprocess, sys, threading, time
import zmq
from line.process.processor_time import ProcessorTime, children_s

def spin(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass

def spin_beside(seconds):
    thread = threading.Thread(target=spin, args=(seconds,))
    thread.start()
    thread.join()

used = ProcessorTime("camera")
spin(0.1)
first = used.seconds()
with zmq.Context() as context, context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
    pull.bind("tcp://127.0.0.1:*")
    push.connect(pull.last_endpoint)
    for number in range(300):
        push.send(bytes(500_000))
        pull.recv()
    messages = used.seconds()
spin(0.2)
with used.measure("writing"):
    spin(0.3)
spin_beside(0.2)
code = "import time\\nwhile time.process_time() < 0.4: pass\\nprint('spun', flush=True)\\ninput()"
child = subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1)
child.stdout.readline()
living = used.seconds()
child.communicate(b"\\n")
last = used.seconds()
total_s = time.process_time() + children_s()
print(json.dumps([first, messages, living, last, total_s]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the clocks of threads are Linux's")
def test_each_thread_and_process_is_billed_for_what_it_did():
    said = subprocess.run(
        [sys.executable, "-c", _TRIES], cwd=ROOT, check=True, capture_output=True, timeout=120
    ).stdout
    first, messages, living, last, total_s = json.loads(said)

    assert set(first) == {"starting"}
    assert first["starting"] >= 0.1
    assert messages["messages"] > 0
    assert living["starting"] == first["starting"]
    assert living["writing"] == pytest.approx(0.3, abs=0.05)
    assert living["belt"] >= 0.2
    assert living["pictures"] >= 0.6  # a thread that has ended, and a child that lives
    assert last["pictures"] >= living["pictures"] - 0.001  # one that has ended is not forgotten
    assert sum(last.values()) == pytest.approx(total_s, abs=0.05)


def test_it_is_told_once_a_second():
    used = ProcessorTime("worker")
    told = [used.due() for _ in range(100)]
    assert told[0] is not None
    assert sum(each is not None for each in told) <= 2
