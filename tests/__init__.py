"""The tests. ONNX Runtime is told before it is loaded that it reports nothing."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
