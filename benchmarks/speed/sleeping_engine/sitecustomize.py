"""Loaded by Python itself into every process of a measured line: workers that sleep.

With `SLEEPING_ENGINE="8,1"` in the environment an inference of n pictures takes 8 ms + n · 1 ms
beside what the model itself takes, and no processor meanwhile: as if something else computed.
"""

import os
import sys
import time
from pathlib import Path

if sys.orig_argv[1:3] == ["-m", "workers"]:
    # Python has not looked yet at where it was started.
    sys.path.insert(0, str(Path(__file__).parents[3]))
    from workers.engines.onnxruntime_cpu import OnnxEngine

    _BASE_S, _PICTURE_S = (float(ms) / 1000 for ms in os.environ["SLEEPING_ENGINE"].split(","))
    _classify = OnnxEngine.classify

    def _slowly(self, batch):  # type: ignore[no-untyped-def]
        time.sleep(_BASE_S + len(batch) * _PICTURE_S)
        return _classify(self, batch)

    OnnxEngine.classify = _slowly  # type: ignore[method-assign]
