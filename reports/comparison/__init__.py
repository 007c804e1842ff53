"""Two runs over the same items: which were judged otherwise, and why. It reads files alone.

    RUN_A, RUN_B ── run.read ──> ComparedRun ──> changes.compare ──> Difference

Whoever shows a comparison (the runner's `diff`, the console) starts from here.
"""
