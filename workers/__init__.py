"""The classifier: models, the worker's loop, and answers about single pictures.

ONNX Runtime's official builds send telemetry unless this is set before they are loaded.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
