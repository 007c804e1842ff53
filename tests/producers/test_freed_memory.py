from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from line.config import ROOT

PROGRAM = """
import resource
import numpy as np
from producers.reader import keep_freed_memory

keep_freed_memory()
for _ in range(20):
    blocks = [np.ones(size) for size in (500_000, 200_000, 300_000)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    del blocks
    blocks = [np.ones(size) for size in (500_000, 200_000, 300_000)]
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="not glibc")
def test_memory_that_was_freed_is_used_again_without_the_kernel():
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 50  # 8 MB are 2000 pages
