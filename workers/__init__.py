"""The classifier: models, the worker's loop, and answers about single pictures.

ONNX Runtime's official builds send telemetry unless this is set before they are loaded; OpenVINO's
importing sends some unless the package for it cannot be imported.
"""

import os
import sys

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
