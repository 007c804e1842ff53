"""Pictures as vectors: what a network makes of them just before it decides.

tapped      a network that gives its head's input beside its logits
extractor   what opens a model of any kind for this, and what such a model answers
network, onnx_file
            the two kinds of model
"""

from __future__ import annotations
