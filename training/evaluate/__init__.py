"""How good a model file is: right, sure of itself, aware of what it does not know, and fast.

evaluate_model  the command
model_file      a file of any kind, opened; engines runs it
answers         how pictures are shown to it, what it answers and how long that takes
calibration_scores, interval, risk_coverage, novelty
                what the answers are worth, each from its published definition
figures         all of it in one JSON-ready dictionary
charts, summary
                the same to look at: PNG, console
"""

from __future__ import annotations
