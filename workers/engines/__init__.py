"""The ways to run an ONNX file; all take and give the same arrays.

opening            an engine by its name, and whether it is installed
onnxruntime_cpu    the default
openvino_cpu       OpenVINO, by its own package
openvino_resize    resizing there as Pillow does it
cuda               ONNX Runtime on a GPU
graph_ports        what every one of them checks of a file's input and output
tempered           answers at another temperature
speeds             how fast the engines of this machine are with a model, measured
speed_cache        what was measured, kept for the next start
choice             which one `model.engine = "auto"` takes, and why
standby            the default engine, for a worker whose own fails
"""

from __future__ import annotations
