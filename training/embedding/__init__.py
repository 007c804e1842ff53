"""Pictures as vectors: what a network makes of them just before it decides.

extractor  opens a model of any kind for this
network    a checkpoint or bare weights, in PyTorch
onnx_file  an ONNX file
"""

from __future__ import annotations
