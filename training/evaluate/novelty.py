"""Whether a model notices what is none of its classes.

Each score is higher for stranger pictures:

max probability  1 - p of the best class                Hendrycks and Gimpel (2017)
entropy          -Σ p ln p, in nats
energy           -ln Σ exp(logit)                        Liu, Wang, Owens and Li (2020)
neighbour 5      distance to the 5th nearest known picture, of embeddings of length 1
                                                         Sun, Ming, Zhu and Li (2022)

A known picture is not its own neighbour. Near copies among the known ones make that score look
better than it is.
"""

from __future__ import annotations

import numpy as np

from training.evaluate.answers import Answers, Floats, Vectors
from training.evaluate.calibration_scores import SMALLEST

KNOWN_ACCEPTED_PERCENT = 95
NEIGHBOUR = 5


def novelty_scores(answers: Answers) -> dict[str, Floats]:
    """Score `[n]` by name, of each picture by itself; energy only where the model shows it."""
    p = answers.probabilities
    scores = {
        "max probability": np.asarray(1 - p.max(axis=1)),
        "entropy": np.asarray(-(p * np.log(np.maximum(p, SMALLEST))).sum(axis=1)),
    }
    if answers.energy is not None:
        scores["energy"] = answers.energy
    return scores


def neighbour_distances(known: Vectors, novel: Vectors) -> tuple[Floats, Floats]:
    """Scores of `known` and of `novel`, embeddings `[n, features]`: distances 0…2, `[n]`.

    There must be more known pictures than NEIGHBOUR.
    """
    # Imported late: scikit-learn takes a second, and most models are judged without novel pictures.
    from sklearn.neighbors import NearestNeighbors  # type: ignore[import-untyped]
    from sklearn.preprocessing import normalize  # type: ignore[import-untyped]

    index = NearestNeighbors(n_neighbors=NEIGHBOUR).fit(normalize(known))
    among_themselves, _ = index.kneighbors()
    to_known, _ = index.kneighbors(normalize(novel))
    return among_themselves[:, -1], to_known[:, -1]


def novelty(known: Answers, novel: Answers) -> dict[str, dict[str, float]]:
    """Per score its AUROC, and the share of novel pictures let through with 95% of the known."""
    of_known, of_novel = novelty_scores(known), novelty_scores(novel)
    one, other = known.embedding, novel.embedding
    if one is not None and other is not None and len(one) > NEIGHBOUR:
        name = f"neighbour {NEIGHBOUR}"
        of_known[name], of_novel[name] = neighbour_distances(one, other)
    return {
        name: {
            "auroc": auroc(of_known[name], of_novel[name]),
            "novel_accepted": novel_accepted(of_known[name], of_novel[name]),
        }
        for name in of_known
    }


def auroc(known: Floats, novel: Floats) -> float:
    """Probability that a novel picture scores above a known one, ties half: Mann and Whitney."""
    from scipy.stats import rankdata  # type: ignore[import-untyped]  # as late, for calibrating

    ranks = rankdata(np.concatenate([known, novel]))[len(known) :]
    above = ranks.sum() - len(novel) * (len(novel) + 1) / 2
    return float(above / (len(known) * len(novel)))


def novel_accepted(known: Floats, novel: Floats) -> float:
    """Share of novel pictures below the limit that accepts at least 95% of the known ones."""
    return float((novel <= limit_of_known(known)).mean())


def limit_of_known(known: Floats) -> float:
    """The lowest score that at least 95% of the known pictures do not exceed."""
    enough = -(-KNOWN_ACCEPTED_PERCENT * len(known) // 100)  # rounded up, in whole numbers
    return float(np.sort(known)[enough - 1])
