"""How good a model file is: right, sure of itself, aware of what it does not know, and fast.

model_file      a file of any kind, opened; engines runs it
views, answers  how pictures are shown to it, what it says and how long that takes
interval, probability_scores, temperature, risk_coverage, novelty
                what the answers are worth, each from its published definition
figures         all of it in one JSON-ready dictionary
charts, summary
                the same to look at: PNG, console
"""

from __future__ import annotations
