"""Every option of the trainer: type, range, unit, meaning; a module a command.

The default values are defaults.toml.
"""

from training.options.audit import AuditSettings
from training.options.average import AverageSettings
from training.options.calibrate import CalibrateSettings
from training.options.evaluate import EvaluateSettings
from training.options.export import ExportSettings
from training.options.hub import PullSettings, PushSettings
from training.options.ingest import IngestSettings
from training.options.pipeline import PipelineSettings
from training.options.prepare import PrepareSettings
from training.options.quantize import QuantizeSettings
from training.options.report import ReportSettings
from training.options.selection import SelectSettings, SimulateSettings, StrategyName
from training.options.train import TrainSettings

__all__ = [
    "AuditSettings",
    "AverageSettings",
    "CalibrateSettings",
    "EvaluateSettings",
    "ExportSettings",
    "IngestSettings",
    "PipelineSettings",
    "PrepareSettings",
    "PullSettings",
    "PushSettings",
    "QuantizeSettings",
    "ReportSettings",
    "SelectSettings",
    "SimulateSettings",
    "StrategyName",
    "TrainSettings",
]
