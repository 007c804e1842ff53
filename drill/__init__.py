"""Breaks a running line on purpose, by a seeded plan, and counts afterwards what became of it.

The drill drives the real runner as a child process. It knows the line by what anybody may see:
`processes.json`, `results.csv`, and each lane's progress file.

ONNX Runtime's official builds send telemetry unless this is set before they are loaded.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
