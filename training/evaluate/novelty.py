"""Whether a model notices what is none of its classes.

Each score is higher for stranger pictures:

max probability  1 - p of the best class                Hendrycks and Gimpel (2017)
entropy          -Σ p ln p, in nats
energy           -ln Σ exp(logit)                        Liu, Wang, Owens and Li (2020)
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp  # type: ignore[import-untyped]
from scipy.stats import rankdata  # type: ignore[import-untyped]

from training.evaluate.answers import Answers, Floats
from training.evaluate.probability_scores import SMALLEST

KNOWN_ACCEPTED_PERCENT = 95


def novelty_scores(answers: Answers) -> dict[str, Floats]:
    """Score `[n]` by name; energy only where the model shows its logits."""
    p = answers.probabilities
    scores = {
        "max probability": np.asarray(1 - p.max(axis=1)),
        "entropy": np.asarray(-(p * np.log(np.maximum(p, SMALLEST))).sum(axis=1)),
    }
    if answers.logits is not None:
        scores["energy"] = np.asarray(-logsumexp(answers.logits, axis=1))
    return scores


def novelty(known: Answers, novel: Answers) -> dict[str, dict[str, float]]:
    """Per score its AUROC, and the share of novel pictures let through with 95% of the known."""
    of_known, of_novel = novelty_scores(known), novelty_scores(novel)
    return {
        name: {
            "auroc": auroc(of_known[name], of_novel[name]),
            "novel_accepted": novel_accepted(of_known[name], of_novel[name]),
        }
        for name in of_known
    }


def auroc(known: Floats, novel: Floats) -> float:
    """Probability that a novel picture scores above a known one, ties half: Mann and Whitney."""
    ranks = rankdata(np.concatenate([known, novel]))[len(known) :]
    above = ranks.sum() - len(novel) * (len(novel) + 1) / 2
    return float(above / (len(known) * len(novel)))


def novel_accepted(known: Floats, novel: Floats) -> float:
    """Share of novel pictures below the limit that accepts at least 95% of the known ones."""
    enough = -(-KNOWN_ACCEPTED_PERCENT * len(known) // 100)  # rounded up, in whole numbers
    limit = np.sort(known)[enough - 1]
    return float((novel <= limit).mean())
