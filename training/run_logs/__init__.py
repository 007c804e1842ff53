"""A run's figures for programs that compare runs.

`Log` is what such a program is told; `RunLogs` tells those that were asked for, and drops one
that fails rather than the run.
"""

from training.run_logs.logs import RunLogs, check_installed

__all__ = ["RunLogs", "check_installed"]
