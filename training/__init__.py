"""The trainer: folders of pictures in, one self-contained model file out.

It shares no code with the line. They meet in files: `models/*.onnx`, whose input, output and
metadata are described in `training/export/contract.py`.
"""

from __future__ import annotations
