"""What trains no network needs no torch, and answers without the seconds that it takes to load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMANDS = (
    *("audit.audit_folder", "calibrate.calibrate_model", "evaluate.evaluate_model"),
    *("hub.transfer", "ingest.ingest_labels", "pipeline.run_pipeline"),
    *(
        "prepare.prepared_folder",
        "refit.refit_model",
        "report.write_report",
        "selection.choose_pictures",
    ),
    *("embedding.onnx_file", "evaluate.model_file", "export.runners"),
)


def test_these_commands_need_no_torch() -> None:
    lines = ["import importlib, sys"]
    for name in COMMANDS:
        lines.append(f"importlib.import_module('training.{name}')")
        lines.append(f"assert 'torch' not in sys.modules, '{name} loads torch'")
    ran = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
