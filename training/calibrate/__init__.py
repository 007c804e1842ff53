"""Put into an ONNX file what labelled pictures say about how far its answers can be trusted.

model_graph      the temperature, into the arithmetic
conformal        sets of classes that hold the true one as often as wanted
calibrate_model  both, and a threshold for a wanted precision, into the file's facts
"""

from __future__ import annotations
