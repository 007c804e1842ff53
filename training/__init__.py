"""The trainer: folders of pictures in, one self-contained model file out.

It shares the reader of pictures (`pictures/`) with the line, and no other code. They meet in files:
`models/*.onnx`, whose input, output and metadata are described in `training/export/contract.py`.

ONNX Runtime's official builds send telemetry unless this is set before they are loaded.
"""

from __future__ import annotations

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
